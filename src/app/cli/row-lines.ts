import type { ShownExample, ShownRow, ShownTokens, TokenPiece } from "../inspect/show-rows.ts";
import { formatCount } from "../report/format.ts";
import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

export interface RowLinesOptions {
  /** Show every token with its id. */
  readonly ids: boolean;
  /** Show long texts whole. */
  readonly full: boolean;
}

/** Characters of a piece that are shown at its beginning and at its end, unless it is wanted whole. */
const SHOWN = 400;
/** Questions about one row that are shown. */
const QUESTIONS = 2;

/** How learnt tokens are marked where there are no colours. */
const [OPEN, CLOSE] = ["⟦", "⟧"] as const;

/** A row as a model would be given it, for people. */
export function rowLines(
  row: ShownRow,
  options: RowLinesOptions,
  terminal: Pick<Terminal, "colors" | "colored">,
): string[] {
  const { bold, dim } = terminal.colors;
  const labels =
    row.labels.length === 0 ? "" : `, ${row.labels.length === 1 ? "label" : "labels"} ${row.labels.join(", ")}`;
  const examples = options.full ? row.examples : row.examples.slice(0, QUESTIONS);
  const more = row.examples.length - examples.length;
  return [
    bold(oneLine(`${row.set} row ${formatCount(row.row)} (${row.where})${labels}`)),
    ...examples.flatMap((example) => exampleLines(example, options, terminal)),
    ...(more === 0 ? [] : [dim(`… and ${formatCount(more)} more questions about it`)]),
    "",
  ];
}

/** What the marks mean. */
export function legend({ colors, colored }: Pick<Terminal, "colors" | "colored">): string {
  const learnt = colored ? colors.green("learnt") : `${OPEN}learnt${CLOSE}`;
  return `${learnt}, ${colors.dim("given")}, ${colors.cyan("special tokens")}`;
}

function exampleLines(
  example: ShownExample,
  options: RowLinesOptions,
  terminal: Pick<Terminal, "colors" | "colored">,
): string[] {
  const { tokens, messages, text, notes } = example;
  const { yellow, dim, cyan } = terminal.colors;
  const noted = notes.map((note) => yellow(oneLine(note)));
  if (tokens !== undefined) return [...tokenLines(tokens, options, terminal), ...noted];
  const said = messages
    ? messages.map(({ role, content }) => `${cyan(oneLine(role))}: ${printable(cut(content, options))}`)
    : [printable(cut(text ?? "", options))];
  return [...said.map((line) => (notes.length > 0 ? dim(line) : line)), ...noted];
}

function tokenLines(
  tokens: ShownTokens,
  options: RowLinesOptions,
  terminal: Pick<Terminal, "colors" | "colored">,
): string[] {
  const { count, supervised, pieces, pooled } = tokens;
  const { dim } = terminal.colors;
  const learnt =
    pooled === undefined
      ? `${formatCount(supervised)} learnt`
      : `the head reads token ${formatCount(pooled + 1)}, ${OPEN}marked${CLOSE}`;
  const body = options.ids
    ? pieces.flatMap((piece) => idLines(piece, terminal))
    : pieces
        .map((piece) => painted(piece, printable(cut(piece.text, options)), terminal))
        .join("")
        .replaceAll(CLOSE + OPEN, "")
        .split("\n");
  return [dim(`${formatCount(count)} tokens, ${learnt}`), ...body];
}

function idLines(piece: TokenPiece, terminal: Pick<Terminal, "colors" | "colored">): string[] {
  return piece.ids.map(
    (id, i) => `${String(id).padStart(7)}  ${painted(piece, oneLine(JSON.stringify(piece.tokens[i])), terminal)}`,
  );
}

function painted(
  { supervised, special }: TokenPiece,
  text: string,
  { colors, colored }: Pick<Terminal, "colors" | "colored">,
): string {
  const { green, cyan, dim, bold } = colors;
  if (!colored) return supervised ? `${OPEN}${text}${CLOSE}` : text;
  // A colour does not survive the end of a line in every pager.
  const paint = supervised ? (special ? (part: string) => bold(green(part)) : green) : special ? cyan : dim;
  return text
    .split("\n")
    .map((part) => (part === "" ? "" : paint(part)))
    .join("\n");
}

/** Without the middle, where that is long: what is left says how much is missing. */
function cut(text: string, { full }: RowLinesOptions): string {
  const missing = text.length - 2 * SHOWN;
  if (full || missing <= SHOWN / 4) return text;
  return `${text.slice(0, SHOWN)} […${formatCount(missing)} characters…] ${text.slice(-SHOWN)}`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll("\n", " ");
}
