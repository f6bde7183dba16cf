/**
 * GPT-2's map from bytes to printable characters: 33–126, 161–172 and 174–255 stand for themselves, the other 68 bytes
 * become U+0100 and up, in order. Entry b is the character of byte b.
 */
export const BYTE_TO_CHAR: readonly string[] = (() => {
  const characters: string[] = [];
  let extra = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCharCode(printable ? byte : extra++));
  }
  return characters;
})();

/** The reverse: UTF-16 unit to byte, -1 for characters that stand for no byte. */
export const CHAR_TO_BYTE: Int16Array = (() => {
  const bytes = new Int16Array(0x144).fill(-1);
  BYTE_TO_CHAR.forEach((character, byte) => {
    bytes[character.charCodeAt(0)] = byte;
  });
  return bytes;
})();

/** UTF-8 length of a code point; lone surrogates count as the U+FFFD that replaces them. */
export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Byte k of a code point's UTF-8 form. */
export function utf8Byte(codePoint: number, k: number): number {
  const point = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
  const length = utf8Length(point);
  if (length === 1) return point;
  const bits = (point >>> (6 * (length - 1 - k))) & 0x3f;
  if (k > 0) return 0x80 | bits;
  return [0, 0, 0xc0, 0xe0, 0xf0][length]! | (point >>> (6 * (length - 1)));
}
