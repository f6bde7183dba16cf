/** Rows as a model would be given them: text in pieces, each learnt or not, before any training. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { Message } from "../../model/text/chat-template.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { encodeRow } from "../../tune/data/encode-row.ts";
import { Problems } from "../../tune/data/problems.ts";
import type { DataContext } from "./data-context.ts";
import { openSet } from "./open-set.ts";

export interface ShownRow {
  readonly set: string;
  /** Its place among the rows that can be used, from 1. */
  readonly row: number;
  /** `file:line` */
  readonly where: string;
  /** Names; empty without labels. */
  readonly labels: readonly string[];
  /** One; several where each label of a row is a question of its own. */
  readonly examples: readonly ShownExample[];
}

export interface ShownExample {
  /** Undefined where no model is known: the example is messages or text then. */
  readonly tokens: ShownTokens | undefined;
  readonly messages: readonly Message[] | undefined;
  readonly text: string | undefined;
  /** What was done to it to fit, or why it is left out. */
  readonly notes: readonly string[];
}

export interface ShownTokens {
  readonly count: number;
  readonly supervised: number;
  /** Consecutive tokens that are alike in whether they are learnt and whether they are special. */
  readonly pieces: readonly TokenPiece[];
  /** For a class head: index of the token that it reads. */
  readonly pooled: number | undefined;
}

export interface TokenPiece {
  readonly text: string;
  readonly ids: readonly number[];
  /** As the vocabulary writes them. */
  readonly tokens: readonly string[];
  readonly supervised: boolean;
  /** A token such as `<|im_end|>`. */
  readonly special: boolean;
}

export interface ShowOptions {
  /** How many rows from the first; default 3. */
  readonly rows?: number | undefined;
  /** This row alone, from 1. */
  readonly row?: number | undefined;
}

/** @throws UserError for files that cannot be read, and a row that there is none of */
export async function showRows(context: DataContext, options: ShowOptions, onEvent: EventSink): Promise<ShownRow[]> {
  const first = options.row ?? 1;
  const last = options.row ?? options.rows ?? 3;
  const set = context.sets[0]!;
  const open = await openSet(context, set, undefined, onEvent);
  if (open.shape === undefined) {
    throw new UserError({ code: "data/unknown-shape", message: open.reason, where: set.files.join(", ") });
  }
  const problems = new Problems();
  const shown: ShownRow[] = [];
  let seen = 0;
  for await (const { row, dataset, labels } of open.rows(problems)) {
    if (row === undefined || ++seen < first) continue;
    const indices = row.labels ?? (row.label === undefined ? [] : [row.label]);
    const own = dataset();
    shown.push({
      ...{ set: set.name, row: seen, where: `${row.file}:${row.line}` },
      labels: indices.map((index) => labels!.names[index]!),
      examples: Array.from({ length: own.length }, (_, index) => shownExample(own, index, context)),
    });
    if (seen === last) break;
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  if (shown.length > 0) return shown;
  throw new UserError({
    code: "data/no-such-row",
    message: seen === 0 ? "no row can be used" : `there is no row ${first}: ${seen} can be used`,
    where: set.files.join(", "),
    fix: seen === 0 ? "look at the problems above" : `take one from 1 to ${seen}`,
  });
}

function shownExample(dataset: Dataset, index: number, { tokens }: DataContext): ShownExample {
  const example = dataset.example(index);
  const said = {
    messages: example.kind === "conversation" ? example.messages : undefined,
    text: example.kind === "text" ? example.text : undefined,
  };
  if (tokens === undefined) return { ...said, tokens: undefined, notes: [] };
  const problems = new Problems();
  const { encoder, encodeOptions } = tokens;
  const tooLong = encodeOptions.tooLong === "cut" ? "cut" : "skip";
  const encoded = encodeRow(dataset, index, encoder, { ...encodeOptions, tooLong }, problems);
  const notes = problems.groups().map(({ reason, examples }) => `${reason} (${examples[0]!.detail})`);
  if (encoded === undefined) return { ...said, tokens: undefined, notes };
  const { ids, supervised } = encoded;
  return {
    ...said,
    notes,
    tokens: {
      count: ids.length,
      supervised: supervised.reduce((sum, own) => sum + own, 0),
      pieces: piecesOf(ids, supervised, encoder.tokenizer),
      pooled: dataset.shape.forHead ? supervised.lastIndexOf(1) : undefined,
    },
  };
}

function piecesOf(ids: Int32Array, supervised: Uint8Array, tokenizer: Tokenizer): TokenPiece[] {
  const pieces: TokenPiece[] = [];
  const kindOf = (i: number): string => `${supervised[i]} ${tokenizer.isSpecial(ids[i]!)}`;
  for (let begin = 0, end = 0; begin < ids.length; begin = end) {
    while (end < ids.length && kindOf(end) === kindOf(begin)) end++;
    const own = [...ids.subarray(begin, end)];
    pieces.push({
      text: textBetween(ids, begin, end, tokenizer),
      ids: own,
      tokens: own.map((id) => tokenizer.token(id) ?? ""),
      supervised: supervised[begin] === 1,
      special: tokenizer.isSpecial(ids[begin]!),
    });
  }
  return pieces;
}

/** Decoded after what precedes them, as some tokenizers drop a space that begins a text. */
function textBetween(ids: Int32Array, begin: number, end: number, tokenizer: Tokenizer): string {
  const before = tokenizer.decode(ids.subarray(Math.max(0, begin - 1), begin));
  const both = tokenizer.decode(ids.subarray(Math.max(0, begin - 1), end));
  return both.startsWith(before) ? both.slice(before.length) : tokenizer.decode(ids.subarray(begin, end));
}
