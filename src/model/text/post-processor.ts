import { isJsonObject, type JsonValue } from "../files/json-file.ts";
import { type Component, componentList, damaged, unsupported } from "./component.ts";

/** Ids that `encodeWithSpecial` puts around a text. */
export interface SpecialTokens {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NONE: SpecialTokens = { before: [], after: [] };

/**
 * What the `post_processor` of a tokenizer.json adds around a single text.
 * @throws UserError for a kind that is not known or a damaged template.
 */
export function readPostProcessor(component: Component | null, where: string): SpecialTokens {
  if (component === null) return NONE;
  switch (component.type) {
    case "ByteLevel":
      return NONE;
    case "Sequence":
      return componentList(component, "processors", where)
        .map((member) => readPostProcessor(member, where))
        .reduce(
          (inner, outer) => ({
            before: [...outer.before, ...inner.before],
            after: [...inner.after, ...outer.after],
          }),
          NONE,
        );
    case "TemplateProcessing":
      return readTemplate(component, where);
    case "BertProcessing":
    case "RobertaProcessing":
      return { before: [pairId(component.cls, where)], after: [pairId(component.sep, where)] };
    default:
      throw unsupported("post-processor", component.type, where);
  }
}

function readTemplate({ single, special_tokens: special }: Component, where: string): SpecialTokens {
  if (!Array.isArray(single) || !isJsonObject(special)) throw damaged("a TemplateProcessing is incomplete", where);
  const before: number[] = [];
  const after: number[] = [];
  let side = before;
  for (const item of single) {
    const token = isJsonObject(item) ? item.SpecialToken : undefined;
    if (isJsonObject(item) && item.Sequence !== undefined) {
      side = after;
      continue;
    }
    const entry = isJsonObject(token) && typeof token.id === "string" ? special[token.id] : undefined;
    const ids = isJsonObject(entry) ? entry.ids : undefined;
    if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id))) {
      throw damaged("a TemplateProcessing names a special token without ids", where);
    }
    side.push(...(ids as number[]));
  }
  return { before, after };
}

/** `["[CLS]", 101]`. */
function pairId(value: JsonValue | undefined, where: string): number {
  const id = Array.isArray(value) ? value[1] : undefined;
  if (typeof id !== "number" || !Number.isSafeInteger(id)) throw damaged("a post-processor's token has no id", where);
  return id;
}
