/**
 * llama.cpp's name for how a byte-level tokenizer cuts text before BPE. llama.cpp has the expressions compiled in and knows
 * them by name; its own converter tells them apart by a hash of one encoded text, which depends on the vocabulary too. Here
 * it is the expressions of tokenizer.json themselves, so that any vocabulary will do.
 */
import { UserError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject } from "../files/json-file.ts";
import { asComponent, type Component, componentList } from "./component.ts";

/** Words of all, marks and contractions apart; digits by `digits`. */
const modern = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const cased = (digits: string, contractions: string): string => {
  const [upper, lower] = ["\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}", "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}"];
  return (
    `[^\\r\\n\\p{L}\\p{N}]?[${upper}]*[${lower}]+${contractions}|[^\\r\\n\\p{L}\\p{N}]?[${upper}]+[${lower}]*${contractions}|` +
    `${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
  );
};

/** llama.cpp's name by the steps of the pre-tokenizer as `stepsOf` spells them. */
const names: ReadonlyMap<string, string> = new Map([
  ["gpt2", "gpt-2"],
  ["digits|gpt2", "starcoder"],
  [modern("\\p{N}"), "qwen2"],
  [modern("\\p{N}{1,3}"), "dbrx"],
  [cased("\\p{N}", ""), "tekken"],
  [cased("\\p{N}{1,3}", "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"), "gpt-4o"],
  ["[\\r\\n]|\\s?\\p{L}+|\\s?\\p{P}+|[一-龥ࠀ-一가-퟿]+|digits", "deepseek-coder"],
]);
/** Pieces that are tokens are taken whole, whatever the merges say: Llama 3. */
const namesIgnoringMerges: ReadonlyMap<string, string> = new Map([[modern("\\p{N}{1,3}"), "llama-bpe"]]);

/**
 * @param json a tokenizer.json with a byte-level pre-tokenizer
 * @throws UserError when llama.cpp has no such expressions
 */
export function ggufPreTokenizer(json: JsonObject, where: string): string {
  const steps = stepsOf(asComponent(json.pre_tokenizer, "pre_tokenizer", where), where).join("|");
  const ignoresMerges = isJsonObject(json.model) && json.model.ignore_merges === true;
  const name = (ignoresMerges ? namesIgnoringMerges.get(steps) : undefined) ?? names.get(steps);
  if (name !== undefined) return name;
  throw new UserError({
    code: "export/unknown-pre-tokenizer",
    message: `llama.cpp is not known to cut text as this tokenizer does (${steps.slice(0, 200)})`,
    where: `${where}: pre_tokenizer`,
    fix: "export to safetensors, and convert that with llama.cpp's own convert_hf_to_gguf.py",
  });
}

/** What each step splits by; steps that only map bytes to characters are none. */
function stepsOf(component: Component | null, where: string): string[] {
  switch (component?.type) {
    case "Sequence":
      return componentList(component, "pretokenizers", where).flatMap((member) => stepsOf(member, where));
    case "Split": {
      const { pattern, behavior, invert } = component;
      const source = isJsonObject(pattern) ? (pattern.Regex ?? pattern.String) : undefined;
      // Isolated, or removed and inverted: in both the matches and what lies between them are the pieces.
      const isPlain = (behavior === "Isolated" && invert !== true) || (behavior === "Removed" && invert === true);
      return [`${isPlain ? "" : `${behavior} `}${source}`];
    }
    case "Digits":
      return [component.individual_digits === true ? "digits" : "digit runs"];
    case "ByteLevel": {
      const prefixed = component.add_prefix_space === true ? ["space in front"] : [];
      return component.use_regex === false ? prefixed : [...prefixed, "gpt2"];
    }
    default:
      return [component?.type ?? "none"];
  }
}
