/** Whether a path asks for all files that look like it. */
export function isGlob(path: string): boolean {
  return /[*?{]/.test(path);
}

/**
 * `**` any folders, `*` anything within a name, `?` one character, `{a,b}` one of several; all else is itself.
 * @param pattern with slashes, from the folder on
 */
export function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|\{[^{}]*\}|[^*?{]+|\{/g, (part) => {
    if (part === "**/") return "(?:[^/]+/)*";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.startsWith("{") && part.endsWith("}")) return `(?:${part.slice(1, -1).split(",").map(literal).join("|")})`;
    return literal(part);
  });
  return new RegExp(`^${source}$`, "u");
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
