import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hashModelFiles } from "./model-files.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-model-files-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

test("a hash of all that answers depend on, remembered for large files until they change", async () => {
  const memory = join(scratch, "memory/models.json");
  const [folder, other] = [mkdtempSync(join(scratch, "a-")), mkdtempSync(join(scratch, "b-"))];
  const weights = Buffer.alloc(5 * 2 ** 20, 1);
  writeFileSync(join(folder, "model.safetensors"), weights);
  writeFileSync(join(folder, "config.json"), "{}");
  const first = await hashModelFiles([folder], memory);
  assert.equal(Object.keys(JSON.parse(readFileSync(memory, "utf8"))).length, 1);
  assert.equal(await hashModelFiles([folder], memory), first);

  writeFileSync(join(folder, "README.md"), "words");
  assert.equal(await hashModelFiles([folder], memory), first);
  weights[100] = 2;
  writeFileSync(join(folder, "model.safetensors"), weights);
  const changed = await hashModelFiles([folder], memory);
  assert.notEqual(changed, first);
  writeFileSync(join(folder, "config.json"), "{ }");
  assert.notEqual(await hashModelFiles([folder], memory), changed);

  // As the hub's cache has them.
  for (const name of ["model.safetensors", "config.json"]) symlinkSync(join(folder, name), join(other, name));
  assert.equal(await hashModelFiles([other], undefined), await hashModelFiles([folder], memory));
  writeFileSync(memory, "{ damaged");
  assert.equal(await hashModelFiles([other], memory), await hashModelFiles([folder], undefined));
  assert.ok(existsSync(memory));
});
