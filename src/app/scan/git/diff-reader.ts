export interface ChangedFile {
  /** The object that holds the file as it was, under whatever name; undefined: it is new. */
  readonly before?: string | undefined;
  /** Lines that are new or altered; a place where lines were taken out counts as the lines around it. */
  readonly lines: readonly LineRange[];
}

/** From 1, both ends included. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** An entry of `git diff --raw`: https://git-scm.com/docs/diff-format#_raw_output_format */
interface RawEntry {
  readonly status: string;
  readonly before: string;
  readonly path: string;
  /** Its name before, where that was another. */
  readonly from?: string | undefined;
}

/** Of a patch's line: enough for the head of a hunk. */
const MAX_KEPT = 120;
const GONE = /^0+$/;
const LINE_END = 0x0a;
const NUL = 0;

/**
 * Reads `git diff --raw --patch -z --unified=0` as it comes, and keeps of the patch where its hunks are: lines of files
 * are neither kept nor mistaken for heads, since each begins with `+`, `-` or `\`.
 */
export class DiffReader {
  readonly #entries: RawEntry[] = [];
  readonly #ranges: LineRange[][] = [];
  /** Pieces of the entry's field that is being read. */
  #field: Buffer[] = [];
  #fields: string[] = [];
  #inPatch = false;
  #line = "";

  add(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) at = this.#inPatch ? this.#readLine(piece, at) : this.#readField(piece, at);
  }

  /** @returns what `ChangedFiles` says of them */
  end(): { readonly files: ReadonlyMap<string, ChangedFile>; readonly gone: ReadonlySet<string> } {
    const files = new Map<string, ChangedFile>();
    const gone = new Set<string>();
    let patch = 0;
    for (const { status, before, path, from } of this.#entries) {
      // Unmerged files have no patch, and are there a second time as what they are in the working tree.
      if (status === "U") continue;
      // A file that became a link, or the other way round, is taken away and made anew.
      if (status === "T") patch++;
      const lines = this.#ranges[patch++] ?? [];
      if (from !== undefined && status === "R") gone.add(from);
      if (status === "D") gone.add(path);
      else files.set(path, { before: GONE.test(before) || status === "T" ? undefined : before, lines });
    }
    return { files, gone };
  }

  /** Fields end in NUL; an empty one stands between the entries and the patch. */
  #readField(piece: Buffer, at: number): number {
    const end = piece.indexOf(NUL, at);
    this.#field.push(piece.subarray(at, end === -1 ? piece.length : end));
    if (end === -1) return piece.length;
    const field = Buffer.concat(this.#field).toString();
    this.#field = [];
    if (field === "" && this.#fields.length === 0) this.#inPatch = true;
    else this.#take(field);
    return end + 1;
  }

  #take(field: string): void {
    this.#fields.push(field);
    const [head, first, second] = this.#fields;
    // `:100644 100644 HASH HASH M`, then a path, then another one of copies and renames.
    const [, , before, , status] = head!.split(" ");
    const hasTwo = /^[RC]/.test(status!);
    if (this.#fields.length < (hasTwo ? 3 : 2)) return;
    const path = hasTwo ? second! : first!;
    this.#entries.push({ status: status![0]!, before: before!, path, from: hasTwo ? first : undefined });
    this.#fields = [];
  }

  #readLine(piece: Buffer, at: number): number {
    const end = piece.indexOf(LINE_END, at);
    const stop = end === -1 ? piece.length : end;
    const room = MAX_KEPT - this.#line.length;
    if (room > 0) this.#line += piece.toString("latin1", at, Math.min(stop, at + room));
    if (end === -1) return piece.length;
    this.#takeLine(this.#line);
    this.#line = "";
    return end + 1;
  }

  #takeLine(line: string): void {
    if (line.startsWith("diff --git ")) this.#ranges.push([]);
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) return;
    const start = Number(hunk[1]);
    const count = hunk[2] === undefined ? 1 : Number(hunk[2]);
    const range = count === 0 ? { start: Math.max(1, start), end: start + 1 } : { start, end: start + count - 1 };
    this.#ranges.at(-1)?.push(range);
  }
}
