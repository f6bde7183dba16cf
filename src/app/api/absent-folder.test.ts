import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { absentFolder } from "./absent-folder.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-absent-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

test("a mistyped folder is told with those beside it; what is there, or nowhere near, is nobody's mistake", () => {
  mkdirSync(join(scratch, "tickets"));
  const { where, fix } = absentFolder(join(scratch, "tikcets"))!;
  assert.equal(where, join(scratch, "tikcets"));
  assert.match(fix!, /did you mean "tickets"\?/);
  assert.equal(absentFolder(join(scratch, "tickets")), undefined);
  assert.equal(absentFolder("no-such-organisation/model"), undefined);
  assert.equal(absentFolder("model"), undefined);
});
