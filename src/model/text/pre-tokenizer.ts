import type { AlignedText } from "./aligned-text.ts";
import { asciiPieces } from "./ascii-pieces.ts";
import { type Component, compilePattern, componentList, damaged, unsupported } from "./component.ts";
import { prepend } from "./normalizer.ts";

/** Calls `emit` with the bounds of every piece of `text[begin … end)`, in order. */
export type SplitText = (text: string, begin: number, end: number, emit: EmitPiece) => void;
export type EmitPiece = (begin: number, end: number) => void;

export interface PreTokenizer {
  /** Rewriting that some kinds do before they split: spaces to ▁, a space in front. */
  readonly prepare: (text: AlignedText) => AlignedText;
  readonly split: SplitText;
  /** Pieces are to be read as bytes. */
  readonly byteLevel: boolean;
}

/** GPT-2's split; `\s` as in the reference engine, which has U+0085 and lacks U+FEFF. */
const GPT2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const PUNCTUATION = "\\p{P}\\u0021-\\u002f\\u003a-\\u0040\\u005b-\\u0060\\u007b-\\u007e";

const whole: SplitText = (_, begin, end, emit) => {
  if (end > begin) emit(begin, end);
};
const asIs = (text: AlignedText): AlignedText => text;

/**
 * Compiles the `pre_tokenizer` of a tokenizer.json.
 * @throws UserError for a kind that is not known.
 */
export function createPreTokenizer(component: Component | null, where: string): PreTokenizer {
  if (component === null) return { prepare: asIs, split: whole, byteLevel: false };
  const plain = (split: SplitText): PreTokenizer => ({ prepare: asIs, split, byteLevel: false });
  switch (component.type) {
    case "Sequence":
      return createSequence(component, where);
    case "Split":
      return plain(
        splitter(compilePattern(component, where), splitBehavior(component, where), component.invert === true),
      );
    case "ByteLevel":
      return {
        prepare: component.add_prefix_space === true ? withSpaceInFront : asIs,
        split: component.use_regex === false ? whole : splitter(GPT2, "Isolated", false),
        byteLevel: true,
      };
    case "Digits":
      return plain(splitter(component.individual_digits === true ? /\p{N}/gu : /\p{N}+/gu, "Isolated", false));
    case "Whitespace":
      return plain(
        splitter(
          /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{White_Space}]+/gu,
          "Removed",
          true,
        ),
      );
    case "WhitespaceSplit":
      return plain(splitter(/\p{White_Space}+/gu, "Removed", false));
    case "Punctuation":
      return plain(splitter(new RegExp(`[${PUNCTUATION}]`, "gu"), splitBehavior(component, where), false));
    case "BertPreTokenizer":
      return plain(splitter(new RegExp(`[^\\p{White_Space}${PUNCTUATION}]+|[${PUNCTUATION}]`, "gu"), "Removed", true));
    case "Metaspace":
      return createMetaspace(component);
    default:
      throw unsupported("pre-tokenizer", component.type, where);
  }
}

function createSequence(component: Component, where: string): PreTokenizer {
  const steps = componentList(component, "pretokenizers", where).map((step) => createPreTokenizer(step, where));
  if (steps.slice(1).some(({ prepare }) => prepare !== asIs))
    throw unsupported("pre-tokenizer", "Sequence that rewrites", where);
  const splits = steps.map(({ split }) => split).filter((split) => split !== whole);
  const chain = (index: number): SplitText => {
    const split = splits[index];
    if (split === undefined) return whole;
    if (index === splits.length - 1) return split;
    const rest = chain(index + 1);
    return (text, begin, end, emit) => split(text, begin, end, (from, to) => rest(text, from, to, emit));
  };
  return { prepare: steps[0]?.prepare ?? asIs, split: chain(0), byteLevel: steps.some(({ byteLevel }) => byteLevel) };
}

/** sentencepiece's treatment of spaces: ▁ for each, one in front, pieces begin with ▁. */
function createMetaspace(component: Component): PreTokenizer {
  const mark = typeof component.replacement === "string" ? component.replacement : "▁";
  const scheme = component.prepend_scheme ?? (component.add_prefix_space === false ? "never" : "always");
  return {
    prepare: (text) => {
      const replaced = { ...text, text: text.text.replaceAll(" ", () => mark) };
      const inFront = scheme === "always" || (scheme === "first" && text.base === 0);
      return inFront && replaced.text !== "" && !replaced.text.startsWith(mark) ? prepend(replaced, mark) : replaced;
    },
    split: component.split === false ? whole : splitter(new RegExp(mark, "gu"), "MergedWithNext", false),
    byteLevel: false,
  };
}

function withSpaceInFront(text: AlignedText): AlignedText {
  return text.text === "" || text.text.startsWith(" ") ? text : prepend(text, " ");
}

const BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"] as const;
type SplitBehavior = (typeof BEHAVIORS)[number];

function splitBehavior(component: Component, where: string): SplitBehavior {
  const given = String(component.behavior ?? "Isolated").toLowerCase();
  const behavior = BEHAVIORS.find((name) => name.toLowerCase() === given);
  if (behavior === undefined) throw damaged(`a Split has the unknown behavior "${given}"`, where);
  return behavior;
}

/** Splits at the matches of a pattern; with `invert` at what lies between them. */
function splitter(pattern: RegExp, behavior: SplitBehavior, invert: boolean): SplitText {
  const isolate = behavior === "Isolated" ? isolator(pattern) : () => 0;
  return (text, begin, end, emit) => {
    const part = begin === 0 && end === text.length ? text : text.slice(begin, end);
    const from = isolate(part, begin, emit);
    // `open` is the start of a piece that may still grow.
    let open = begin + from;
    let wasDelimiter = false;
    let position = begin + from;
    const take = (to: number, isDelimiter: boolean): void => {
      if (to === position) return;
      const grows =
        (behavior === "MergedWithPrevious" && isDelimiter && !wasDelimiter) ||
        (behavior === "MergedWithNext" && !isDelimiter && wasDelimiter) ||
        (behavior === "Contiguous" && isDelimiter === wasDelimiter);
      if (!grows) {
        if (position > open) emit(open, position);
        open = position;
      }
      position = to;
      wasDelimiter = isDelimiter;
      if (behavior === "Removed" && isDelimiter) open = to;
    };
    pattern.lastIndex = from;
    for (let match = pattern.exec(part); match !== null; match = pattern.exec(part)) {
      const length = match[0].length;
      if (length === 0) {
        pattern.lastIndex += (part.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1;
        continue;
      }
      take(begin + match.index, invert);
      take(begin + match.index + length, !invert);
    }
    take(end, invert);
    if (position > open) emit(open, position);
  };
}

/**
 * Emits the matches that follow each other without a gap from the start of a part on, which for most tokenizers are all,
 * and tells where they end. They are found without making an object of each.
 */
function isolator(pattern: RegExp): (part: string, base: number, emit: EmitPiece) => number {
  const sticky = new RegExp(pattern.source, pattern.flags.replace("g", "y"));
  const quick = asciiPieces(pattern) ?? (() => -1);
  return (part, base, emit) => {
    let position = 0;
    while (position < part.length) {
      let end = quick(part, position);
      if (end < 0) {
        sticky.lastIndex = position;
        if (!sticky.test(part) || sticky.lastIndex === position) break;
        end = sticky.lastIndex;
      }
      emit(base + position, base + end);
      position = end;
    }
    return position;
  };
}
