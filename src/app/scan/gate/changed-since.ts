import { readBlobs } from "../git/blobs.ts";
import { type ChangedFiles, changedFiles } from "../git/changed-files.ts";
import { findRepository } from "../git/find-repository.ts";
import type { Finding } from "../scan-result.ts";
import { isOfChange } from "./since-base.ts";

/** What changed since a commit, by the paths of a scan. */
export class ChangedSince {
  readonly #top: string;
  readonly #prefix: string;
  readonly #changes: ChangedFiles;

  private constructor(top: string, prefix: string, changes: ChangedFiles) {
    this.#top = top;
    this.#prefix = prefix;
    this.#changes = changes;
  }

  /**
   * @param root of the scan
   * @throws UserError where it is in no repository, the commit is unknown, or its history is not here
   */
  static async open(root: string, commit: string): Promise<ChangedSince> {
    const place = await findRepository(root);
    return new ChangedSince(place.root, place.prefix, await changedFiles(place.root, commit));
  }

  /** Whether a file is there that is new or was altered. */
  has(path: string): boolean {
    return this.#changes.files.has(this.#prefix + path);
  }

  /** Whether a file was there, and is not any more. */
  isGone(path: string): boolean {
    return this.#changes.gone.has(this.#prefix + path);
  }

  /** Changed files as they were, those that are not new. */
  async *before(paths: readonly string[]): AsyncGenerator<readonly [path: string, bytes: Buffer]> {
    const known = paths.flatMap((path): (readonly [string, string])[] => {
      const hash = this.#changes.files.get(this.#prefix + path)?.before;
      return hash === undefined ? [] : [[path, hash]];
    });
    let at = 0;
    for await (const bytes of readBlobs(
      this.#top,
      known.map(([, hash]) => hash),
    )) {
      const [path] = known[at++]!;
      if (bytes !== undefined) yield [path, bytes];
    }
  }

  /** Findings that are of the change. @param before what is found in the files as they were */
  select(findings: readonly Finding[], before: readonly Finding[]): Finding[] {
    const byPath = new Map<string, Finding[]>();
    for (const finding of before) byPath.set(finding.path, [...(byPath.get(finding.path) ?? []), finding]);
    return findings.filter((finding) => {
      const lines = this.#changes.files.get(this.#prefix + finding.path)?.lines ?? [];
      return isOfChange(finding, lines, byPath.get(finding.path) ?? []);
    });
  }
}
