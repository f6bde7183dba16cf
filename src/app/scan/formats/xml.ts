/**
 * Text as XML 1.0: markup escaped, and characters that XML cannot hold (https://www.w3.org/TR/xml/#charsets) replaced by
 * U+FFFD.
 */
export function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** ` name="value"`; line ends and tabs are kept, which a parser would make blanks. */
export function xmlAttributes(attributes: Readonly<Record<string, string | number>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${xmlText(String(value)).replace(/[\t\n]/g, (c) => `&#${c.charCodeAt(0)};`)}"`)
    .join("");
}
