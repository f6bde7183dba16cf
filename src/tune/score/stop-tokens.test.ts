import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { loadChatTemplate } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { stopTokens } from "./stop-tokens.ts";

const nano = join(packageRoot, "models/fettle-nano");
const tokenizer = loadTokenizer(nano);

test("an answer ends at what the configuration names and at what the template closes turns with", () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-"));
  try {
    writeFileSync(join(folder, "config.json"), '{"eos_token_id": 7}');
    assert.deepEqual(stopTokens(folder, tokenizer, undefined), new Set([7, tokenizer.eosId]));
    writeFileSync(join(folder, "generation_config.json"), '{"eos_token_id": [8, 9]}');
    const closing = tokenizer.tokenId("<|im_end|>");
    assert.deepEqual(
      stopTokens(folder, tokenizer, loadChatTemplate(nano)),
      new Set([7, 8, 9, tokenizer.eosId, closing]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
