/** Text completions through OpenAI's own client. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import OpenAI from "openai";
import { type RunningServer, startServer } from "../../src/app/serve/start-server.ts";
import { loadTokenizer } from "../../src/model/text/tokenizer.ts";
import { onCpu } from "../helpers/served-models.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-completions-"));
const base = join(scratch, "base");
let server: RunningServer;
let client: OpenAI;

before(async () => {
  writeSmallModel(base);
  server = await startServer(base, { ...onCpu, port: 0 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});

after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

describe("completions", () => {
  test("go on from texts and from tokens, with an echo, whole and in pieces", async () => {
    const tokenizer = loadTokenizer(base);
    const request = { model: "base", max_tokens: 5, temperature: 0 } as const;
    const texts = ["Stocks fell", "Goals"];
    const both = await client.completions.create({ ...request, prompt: texts, echo: true, n: 2 });
    assert.equal(both.choices.length, 4);
    for (const { index, text } of both.choices) {
      const prompt = texts[Math.floor(index / 2)]!;
      const ids = [...tokenizer.encodeWithSpecial(prompt).ids];
      const one = await client.completions.create({ ...request, prompt: ids });
      assert.equal(text, prompt + one.choices[0]!.text);
      let pieces = "";
      for await (const { choices } of await client.completions.create({ ...request, prompt, stream: true })) {
        pieces += choices[0]!.text;
      }
      assert.equal(pieces, one.choices[0]!.text);
    }
    const stop = both.choices[0]!.text.slice(-2);
    const stopped = await client.completions.create({ ...request, prompt: texts[0]!, stop });
    assert.equal(stopped.choices[0]!.finish_reason, "stop");
    assert.ok(!stopped.choices[0]!.text.includes(stop));
  });

  test("what is not done is refused by name", async () => {
    const request = { model: "base", prompt: "Hello", max_tokens: 2 };
    const refusals: readonly [object, string, string | null][] = [
      [{ best_of: 3 }, "unsupported_parameter", "best_of"],
      [{ suffix: "x" }, "unsupported_parameter", "suffix"],
      [{ echo: true, logprobs: 1 }, "unsupported_parameter", "logprobs"],
      [{ prompt: [1, -1] }, "invalid_value", "prompt[1]"],
      [{ prompt: [1e9] }, "score/vocabulary", null],
      [{ prompt: "" }, "generate/empty-prompt", null],
      [{ prompt: [1, 2], max_tokens: 1023 }, "context_length_exceeded", "prompt"],
    ];
    for (const [wrong, code, param] of refusals) {
      await assert.rejects(client.completions.create({ ...request, ...wrong } as typeof request), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError, String(error));
        assert.deepEqual([error.code, error.param], [code, param]);
        return true;
      });
    }
  });
});
