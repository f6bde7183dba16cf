/** Comments in scanned files that say that a finding is known to be none: `# fettle ignore=LABEL: reason`. */
import { suggestName } from "../../../base/names.ts";
import type { Finding, ScanProblem } from "../scan-result.ts";

/** One label of one comment. */
interface Ignore {
  readonly path: string;
  /** Of the comment. */
  readonly line: number;
  /** Lines that a finding may be on; undefined: the whole file. */
  readonly last: number | undefined;
  readonly label: string;
  readonly reason: string;
  used: boolean;
}

/** What any such comment has, however it goes on; `=` comes right after the word. */
const COMMENT = /(?:#|\/\/)[ \t]*fettle[ \t]+ignore(-file)?\b([^\r\n]*)/gi;
/** More of them in one file are no comments that a person wrote. */
const MAX_COMMENTS = 1000;
/** A reason that is kept. */
const MAX_REASON = 500;

/** Reads files as they are scanned, then marks what was found in them. */
export class InlineIgnores {
  readonly #labels: readonly string[];
  readonly #ignores = new Map<string, Ignore[]>();
  readonly #problems: ScanProblem[] = [];

  /** @param labels that the model knows */
  constructor(labels: readonly string[]) {
    // The longest first: a label may begin with another one.
    this.#labels = labels.toSorted((a, b) => b.length - a.length);
  }

  /** Keeps what the comments of a file say. */
  read(path: string, text: string): void {
    if (!/fettle[ \t]+ignore/i.test(text)) return;
    const lines = text.split(/\r\n|\r|\n/);
    let count = 0;
    for (const [i, content] of lines.entries()) {
      for (const match of content.matchAll(COMMENT)) {
        if (++count > MAX_COMMENTS) {
          this.#tell(path, i + 1, `only the first ${MAX_COMMENTS} comments of a file count`);
          return;
        }
        const isAlone = content.slice(0, match.index).trim() === "";
        const last = match[1] !== undefined ? undefined : isAlone ? nextCode(lines, i) : i + 1;
        this.#take({ path, line: i + 1, last }, match[2]!);
      }
    }
  }

  /** @returns the findings, those that a comment is about marked; and what is wrong with comments, by path */
  apply(findings: readonly Finding[]): { readonly findings: Finding[]; readonly problems: readonly ScanProblem[] } {
    const marked = findings.map((finding) => {
      const about = (this.#ignores.get(finding.path) ?? []).filter((ignore) => isAbout(ignore, finding));
      for (const ignore of about) ignore.used = true;
      const first = about[0];
      return first === undefined
        ? finding
        : { ...finding, suppressed: { by: "inline", reason: first.reason } as const };
    });
    const unused = [...this.#ignores.values()].flat().filter(({ used }) => !used);
    const problems = unused.map((ignore) => problem(ignore.path, ignore.line, unusedMessage(ignore, findings)));
    return { findings: marked, problems: [...this.#problems, ...problems] };
  }

  #take(place: Pick<Ignore, "path" | "line" | "last">, said: string): void {
    const tell = (message: string): void => this.#tell(place.path, place.line, message);
    const { labels, rest } = this.#readLabels(said.slice(1));
    const unknown = said.startsWith("=") ? labels.filter((label) => !this.#labels.includes(label)) : [];
    for (const label of unknown) {
      tell(`"${label}" is no label of the model; ${suggestName(label, this.#labels.toSorted())}`);
    }
    const reason = rest.replace(/^:/, "").trim().slice(0, MAX_REASON);
    if (!said.startsWith("=") || !rest.startsWith(":") || reason === "") {
      tell("this is not counted: an ignore has labels and a reason, as in `fettle ignore=LABEL: reason`");
      return;
    }
    const known = labels.filter((label) => this.#labels.includes(label));
    const ignores = known.map((label) => ({ ...place, label, reason, used: false }));
    this.#ignores.set(place.path, [...(this.#ignores.get(place.path) ?? []), ...ignores]);
  }

  /** Labels may hold commas and colons, so that known ones are read first; any other ends at the next of both. */
  #readLabels(text: string): { readonly labels: readonly string[]; readonly rest: string } {
    const labels: string[] = [];
    let rest = text;
    do {
      rest = rest.replace(/^,/, "").trimStart();
      const known = this.#labels.find(
        (label) => rest.startsWith(label) && /^[ \t]*(?:[,:]|$)/.test(rest.slice(label.length)),
      );
      const label = known ?? /^[^,:]*/.exec(rest)![0];
      labels.push(label.trim());
      rest = rest.slice(label.length).trimStart();
    } while (rest.startsWith(","));
    return { labels, rest };
  }

  #tell(path: string, line: number, message: string): void {
    this.#problems.push(problem(path, line, message));
  }
}

/** Number of the next line that is neither blank nor a comment; the comment's own at the end of a file. */
function nextCode(lines: readonly string[], comment: number): number {
  for (let i = comment + 1; i < lines.length; i++) if (!/^\s*(?:#|\/\/|$)/.test(lines[i]!)) return i + 1;
  return comment + 1;
}

/**
 * A finding of some lines has one of the comment's lines; one of a whole text begins there, since some line of it would
 * always be one of them.
 */
function isAbout({ label, line, last }: Ignore, finding: Finding): boolean {
  if (finding.label !== label) return false;
  if (last === undefined) return true;
  const { startLine, endLine, by } = finding.region;
  return startLine <= last && (by === "whole-text" ? startLine : endLine) >= line;
}

function unusedMessage({ path, label, last }: Ignore, findings: readonly Finding[]): string {
  const elsewhere = findings.find((finding) => finding.path === path && finding.label === label);
  if (elsewhere === undefined || last === undefined) return `"${label}" is ignored here, and not found`;
  const place = `"${label}" is ignored here, but found from line ${elsewhere.region.startLine} on`;
  return elsewhere.region.by === "whole-text"
    ? `${place}, in the whole text: ignore-file=${label} is about that`
    : place;
}

function problem(path: string, line: number, message: string): ScanProblem {
  return { path, message: `line ${line}: ${message}`, fatal: false };
}
