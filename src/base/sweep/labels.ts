/** A value as tables and folders show it. */
export function labelOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "null");
}
