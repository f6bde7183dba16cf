/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  /** `warning`: works, with less than there could be. `problem`: something does not work. */
  readonly status: "ok" | "warning" | "problem";
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
  /** The same for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
}
