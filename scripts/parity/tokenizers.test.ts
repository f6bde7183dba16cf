import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compareTokenizers, findTokenizer } from "./tokenizers.ts";

const parity = process.env.FETTLE_PARITY;

if (parity === undefined) {
  test("published tokenizers", { skip: "set FETTLE_PARITY to a folder of reference results" }, () => {});
} else {
  const folder = join(parity, "tokenizers");
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    test(name, (context) => {
      const file = join(folder, name);
      const found = findTokenizer(file, process.env.FETTLE_TOKENIZERS);
      if ("missing" in found) return context.skip(found.missing);
      for (const row of compareTokenizers(file, found.folder)) assert.equal(row.verdict, "ok", row.quantity);
    });
  }
}
