import { UserError } from "../../base/errors.ts";
import type { JsonObject } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";
import { cacheBytesFor } from "../../tune/score/batch/cache-size.ts";
import { BatchEngine } from "../../tune/score/batch-engine.ts";
import type { GeneratedToken, GenerationRequest } from "../../tune/score/generation-request.ts";
import { stopTokens } from "../../tune/score/stop-tokens.ts";
import type { LoadedModel } from "./load-model.ts";

export interface GenerationOptions extends Partial<Omit<GenerationRequest, "prompt" | "stopTokens" | "adapter">> {
  /** What the user says; for a model without chat template, the text to go on from. */
  readonly prompt: string;
  /** System message; default: that of the run's template. */
  readonly system?: string | undefined;
}

/**
 * Lets the model answer, piece by piece.
 *
 *     for await (const { text } of generate(model, { prompt: "Hello" })) process.stdout.write(text);
 *
 * @throws UserError when the prompt is empty or fills the context, and for a classifier with a head of its own
 */
export async function* generate(model: LoadedModel, options: GenerationOptions): AsyncGenerator<GeneratedToken> {
  const { tokenizer, template, templateOptions, model: base } = model.artefact;
  if (base.classHead !== undefined) {
    throw new UserError({
      code: "generate/classifier",
      message: "the model is a classifier with a head of its own: it says no words",
      where: model.artefact.path,
      fix: "use `fettle predict`, or train labels as text (task_type CAUSAL_LM)",
    });
  }
  const { prompt, system = templateOptions.system, maxNewTokens = 256, ...sampling } = options;
  const messages: Message[] = [
    ...(system === null ? [] : [{ role: "system", content: system }]),
    { role: "user", content: prompt },
  ];
  const kwargs = templateOptions.chat_template_kwargs as JsonObject;
  const { ids } =
    template === undefined
      ? tokenizer.encodeWithSpecial(prompt)
      : tokenizer.encode(template.render(messages, { addGenerationPrompt: true, kwargs }));
  const most = Math.min(ids.length + maxNewTokens, base.decoder.config.maxPositions);
  const cacheBytes = cacheBytesFor(base.decoder, most);
  await using engine = new BatchEngine(base, tokenizer, { maxRunning: 1, cacheBytes });
  const stops = stopTokens(base.folder, tokenizer, template);
  yield* engine.generate({ ...sampling, prompt: ids, maxNewTokens, stopTokens: stops });
}
