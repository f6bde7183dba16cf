import { CHAR_TO_BYTE } from "./byte-level.ts";
import { type Component, compilePattern, componentList, unsupported } from "./component.ts";

/** Turns the strings of tokens into text, in steps from a list of parts to a list of parts. */
type Step = (parts: readonly string[]) => string[];
export type Decode = (tokens: readonly string[]) => string;

/**
 * Compiles the `decoder` of a tokenizer.json; without one, tokens are joined by spaces, as in the reference.
 * @throws UserError for a kind that is not known.
 */
export function createDecoder(component: Component | null, where: string): Decode {
  if (component === null) return (tokens) => tokens.join(" ");
  const step = createStep(component, where);
  return (tokens) => step(tokens).join("");
}

function createStep(component: Component, where: string): Step {
  switch (component.type) {
    case "Sequence": {
      const steps = componentList(component, "decoders", where).map((member) => createStep(member, where));
      return (parts) => steps.reduce<string[]>((current, step) => step(current), [...parts]);
    }
    case "ByteLevel":
      return (parts) => [decodeByteLevel(parts)];
    case "ByteFallback":
      return decodeByteFallback;
    case "Fuse":
      return (parts) => [parts.join("")];
    case "Replace": {
      const pattern = compilePattern(component, where);
      const content = String(component.content ?? "");
      return (parts) => parts.map((part) => part.replaceAll(pattern, () => content));
    }
    case "Strip": {
      const content = String(component.content ?? " ");
      const { start, stop } = component;
      return (parts) => parts.map((part) => strip(part, content, Number(start ?? 0), Number(stop ?? 0)));
    }
    case "Metaspace": {
      const mark = String(component.replacement ?? "▁");
      const inFront = component.prepend_scheme !== "never" && component.add_prefix_space !== false;
      return (parts) =>
        parts.map((part, i) => (i === 0 && inFront ? part.replace(mark, "") : part).replaceAll(mark, () => " "));
    }
    case "WordPiece": {
      const prefix = String(component.prefix ?? "##");
      const cleanup = component.cleanup !== false;
      return (parts) =>
        parts.map((part, i) => {
          const joined = i === 0 ? part : part.startsWith(prefix) ? part.slice(prefix.length) : ` ${part}`;
          return cleanup ? cleanUp(joined) : joined;
        });
    }
    case "BPEDecoder": {
      const suffix = String(component.suffix ?? "</w>");
      return (parts) => parts.map((part, i) => part.replaceAll(suffix, i === parts.length - 1 ? "" : " "));
    }
    default:
      throw unsupported("decoder", component.type, where);
  }
}

/** Characters back to bytes; a token with a character that stands for no byte (an added token) is taken as text. */
function decodeByteLevel(parts: readonly string[]): string {
  const bytes: number[] = [];
  for (const part of parts) {
    const mapped = Array.from(part, (character) => CHAR_TO_BYTE[character.codePointAt(0)!] ?? -1);
    const isText = mapped.includes(-1);
    for (const byte of isText ? new TextEncoder().encode(part) : mapped) bytes.push(byte);
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** Runs of `<0xNN>` become the text they encode, or one U+FFFD per byte when they encode none. */
function decodeByteFallback(parts: readonly string[]): string[] {
  const decoded: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      decoded.push(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
    } catch {
      decoded.push(..."\ufffd".repeat(bytes.length));
    }
    bytes = [];
  };
  for (const part of parts) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(part);
    if (byte === null) {
      flush();
      decoded.push(part);
    } else {
      bytes.push(Number.parseInt(byte[1]!, 16));
    }
  }
  flush();
  return decoded;
}

function strip(part: string, content: string, start: number, stop: number): string {
  let begin = 0;
  let end = part.length;
  while (begin < start && begin < end && part[begin] === content) begin++;
  while (part.length - end < stop && end > begin && part[end - 1] === content) end--;
  return part.slice(begin, end);
}

/** The reference's WordPiece clean-up of English punctuation. */
function cleanUp(text: string): string {
  return text
    .replaceAll(" .", ".")
    .replaceAll(" ?", "?")
    .replaceAll(" !", "!")
    .replaceAll(" ,", ",")
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" do not", " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
