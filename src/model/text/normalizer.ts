import { type AlignedText, type Edit, edit, slice } from "./aligned-text.ts";
import { type Component, compilePattern, componentList, unsupported } from "./component.ts";
import { BertNormalizer } from "./library.ts";

export type Normalize = (text: AlignedText) => AlignedText;

/**
 * A character with the marks that follow it, or a run of Hangul letters: what Unicode normalisation may join. Maps are
 * kept per such cluster.
 */
const CLUSTERS = /[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb]+\p{M}*|\P{M}\p{M}*|\p{M}+/gu;

/**
 * Compiles the `normalizer` of a tokenizer.json.
 * @throws UserError for a kind that is not known.
 */
export function createNormalizer(component: Component | null, where: string): Normalize {
  if (component === null) return (text) => text;
  switch (component.type) {
    case "Sequence": {
      const steps = componentList(component, "normalizers", where).map((step) => createNormalizer(step, where));
      return (text) => steps.reduce((normalized, step) => step(normalized), text);
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD": {
      const form = component.type;
      return (text) => byCluster(text, (part) => part.normalize(form));
    }
    case "Lowercase":
      return (text) => byCluster(text, (part) => part.toLowerCase());
    case "StripAccents":
      return (text) => byCluster(text, (part) => part.replace(/\p{M}/gu, ""));
    case "BertNormalizer": {
      const { clean_text = true, handle_chinese_chars = true, strip_accents = null, lowercase = true } = component;
      const bert = new BertNormalizer({
        type: "BertNormalizer",
        clean_text,
        handle_chinese_chars,
        strip_accents,
        lowercase,
      });
      return (text) => byCluster(text, (part) => bert.normalize(part));
    }
    case "Replace":
      return createReplace(component, where);
    case "Prepend": {
      const prefix = String(component.prepend ?? "");
      return (text) => (text.text === "" ? text : prepend(text, prefix));
    }
    case "Strip":
      return (text) => {
        const begin = component.strip_left === false ? 0 : text.text.length - text.text.trimStart().length;
        const end = component.strip_right === false ? text.text.length : text.text.trimEnd().length;
        return slice(text, begin, Math.max(begin, end));
      };
    default:
      throw unsupported("normalizer", component.type, where);
  }
}

/** Puts text in front; it stands for the first character, as in the reference implementation. */
export function prepend(text: AlignedText, prefix: string): AlignedText {
  const first = String.fromCodePoint(text.text.codePointAt(0)!);
  return edit(text, [{ begin: 0, end: first.length, text: prefix + first }]);
}

function createReplace(component: Component, where: string): Normalize {
  const pattern = compilePattern(component, where);
  const content = String(component.content ?? "");
  const literal = (component.pattern as { String?: unknown } | undefined)?.String;
  // A replacement of equal length (Gemma's space to ▁) leaves the maps as they are.
  if (typeof literal === "string" && literal.length === content.length) {
    return (text) => ({ ...text, text: text.text.replaceAll(literal, () => content) });
  }
  return (text) => {
    const edits: Edit[] = [];
    for (const match of text.text.matchAll(pattern)) {
      edits.push({ begin: match.index, end: match.index + match[0].length, text: content });
    }
    return edit(text, edits);
  };
}

/** Applies a character mapping that may look at following marks but at nothing else. */
function byCluster(aligned: AlignedText, map: (part: string) => string): AlignedText {
  const whole = map(aligned.text);
  if (whole === aligned.text) return aligned;
  const edits: Edit[] = [];
  for (const match of aligned.text.matchAll(CLUSTERS)) {
    const text = map(match[0]);
    if (text !== match[0]) edits.push({ begin: match.index, end: match.index + match[0].length, text });
  }
  const mapped = edit(aligned, edits);
  // Should clusters ever not be independent, the text wins and the map becomes coarse.
  return mapped.text === whole ? mapped : edit(aligned, [{ begin: 0, end: aligned.text.length, text: whole }]);
}
