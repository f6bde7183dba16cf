/** Whether a recipe asks of its base what it can do, and what is chosen because of what the base is. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Choice } from "../../base/recipe/resolved.ts";
import type { DecoderConfig } from "../../model/families/decoder-config.ts";
import type { ConfigJson } from "../../model/files/config.ts";
import type { ChatTemplate } from "../../model/text/chat-template.ts";

/** Tells a choice that was made for the user, and keeps it for the run's recipe. */
export type Choose = (path: Choice["path"], value: unknown, reason: string) => void;

/** Keys by which families ask for dropout in training. */
const dropoutKeys = [
  "hidden_dropout_prob",
  "attention_probs_dropout_prob",
  "classifier_dropout",
  "embedding_dropout",
  "attention_dropout",
  "mlp_dropout",
  "residual_dropout",
  "resid_pdrop",
  "embd_pdrop",
  "attn_pdrop",
] as const;

/** @throws UserError for what an encoder cannot do */
export function fitRecipe(loaded: LoadedRecipe, { encoder }: DecoderConfig, choose: Choose): void {
  const { recipe, where, origin } = loaded;
  if (encoder === undefined) return;
  if (recipe.task_type !== "SEQ_CLS") {
    throw new UserError({
      code: "train/encoder",
      message: "the base is an encoder, which reads texts and writes no words",
      where: where(["task_type"]),
      fix: "take task_type: SEQ_CLS, or a base that writes",
    });
  }
  if (recipe.head?.dense != null) {
    throw new UserError({
      code: "train/encoder-head",
      message: "head.dense is for bases whose classifiers have no dense layer; the base's have one of their own",
      where: where(["head", "dense"]),
      fix: "remove it",
    });
  }
  const share = ["packing", "share_prompts"];
  if (!recipe.packing.share_prompts) return;
  const reason = "tokens of an encoder see what follows them, so that no beginning is the same in two texts";
  if (origin(share) !== "default") {
    throw new UserError({ code: "train/encoder-sharing", message: reason, where: where(share), fix: "remove it" });
  }
  choose(share, false, reason);
}

/** Tells what of the base is not as other trainers have it. */
export function tellOfBase(
  { recipe }: LoadedRecipe,
  configJson: ConfigJson,
  template: ChatTemplate | undefined,
  onEvent: EventSink,
): void {
  const dropout = dropoutKeys.filter((key) => (configJson.optionalNumber(key) ?? 0) > 0);
  if (dropout.length > 0) {
    const listed = dropout.map((key) => `${key} ${configJson.number(key)}`).join(", ");
    const reason = `the base's own (${listed}) is not applied: a pack's gradients are those of its texts one at a time; head.dropout and lora.lora_dropout are`;
    onEvent({ kind: "choice", name: "dropout of the base", value: "off", reason });
  }
  if (recipe.task_type === "SEQ_CLS" && recipe.template.user !== null && template === undefined) {
    const reason =
      "the base has no chat template: what template.user gives is tokenised as a text, with special tokens";
    onEvent({ kind: "choice", name: "rows as", value: "plain text", reason });
  }
}
