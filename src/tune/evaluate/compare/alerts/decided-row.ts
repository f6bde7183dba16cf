/** A row to read: one label of it is right of a model and wrong of the tools, or the other way round; plain JSON. */
export interface DecidedRow {
  readonly label: string;
  readonly where?: string | undefined;
  readonly row: number;
  /** Whether the row has the label. */
  readonly isTrue: boolean;
  readonly model: string;
  readonly right: "model" | "tools";
  /** The tools that have it right; those that have it wrong where the model is right. */
  readonly tools: readonly string[];
  /** What the tools found in the row that means the label. */
  readonly named: readonly NamedLines[];
  readonly text: string;
}

export interface NamedLines {
  readonly tool: string;
  readonly rule: string;
  readonly message: string;
  /** From 1; null where the tool names none. */
  readonly startLine: number | null;
  readonly endLine: number | null;
}
