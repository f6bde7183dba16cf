import type { ToolFinding, ToolRun } from "./tool.ts";

/** Characters of a message that are kept; the longest are hadolint's lists of what a line might have begun with. */
const MAX_MESSAGE = 500;

/** Gathers what one run of a tool says, file by file. */
export class FindingLists implements ToolRun {
  readonly findings: Map<string, ToolFinding[]> = new Map();
  readonly unread: Map<string, string> = new Map();
  readonly #files: ReadonlySet<string>;

  /** @param files those that were given to the tool; what it says of others is dropped */
  constructor(files: readonly string[]) {
    this.#files = new Set(files);
  }

  add(file: string, finding: ToolFinding): void {
    const name = normal(file);
    if (!this.#files.has(name)) return;
    const list = this.findings.get(name) ?? [];
    this.findings.set(name, list);
    list.push({ ...finding, message: finding.message.slice(0, MAX_MESSAGE) });
  }

  /** The tool could not read a file; what it said of it does not count. */
  markUnread(file: string, reason: string): void {
    this.unread.set(normal(file), reason.replace(/\s+/g, " ").slice(0, MAX_MESSAGE));
  }
}

function normal(file: string): string {
  return file.replaceAll("\\", "/").replace(/^(\.\/)+/, "");
}
