/** What a set is made of, in one pass over its rows, with some bytes kept of each. */
import type { EventSink } from "../../base/events.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { encodeRow } from "../../tune/data/encode-row.ts";
import type { EncodedExample } from "../../tune/data/pack.ts";
import { type ProblemGroup, Problems } from "../../tune/data/problems.ts";
import { DuplicateFinder, type Duplicates } from "../../tune/data/stats/duplicates.ts";
import { ExampleSample } from "../../tune/data/stats/example-sample.ts";
import { ascending, countLonger, describeLengths, type Lengths } from "../../tune/data/stats/lengths.ts";
import { SharedPrefix, usualPrefix } from "../../tune/data/stats/shared-prefix.ts";
import { Column } from "../../tune/data/store/column.ts";
import { estimatePacking, type PackingEstimate } from "../../tune/train/packing-estimate.ts";
import type { DataContext, TokenContext } from "./data-context.ts";
import { type OpenRow, openSet } from "./open-set.ts";

export interface SetStats {
  readonly name: string;
  readonly files: readonly string[];
  readonly formats: readonly string[];
  readonly shape: string | null;
  readonly shapeReason: string;
  /** Rows that training could use, before any is too long. */
  readonly rows: number;
  readonly skipped: number;
  /** How many of the rows that can be read have each field. */
  readonly fields: Readonly<Record<string, number>>;
  /** Rows of each label; null where nothing is labelled, or it has more values than labels have. */
  readonly labels: Readonly<Record<string, number>> | null;
  /** Of what is said in a row, prompt and answer. */
  readonly characters: Lengths | null;
  /** Null without a model to say what tokens are. */
  readonly tokens: TokenStats | null;
  readonly duplicates: Duplicates;
  readonly problems: readonly ProblemGroup[];
}

export interface TokenStats {
  /** Of whole examples, before any is cut. */
  readonly lengths: Lengths;
  readonly supervised: number;
  readonly maxLength: number;
  /** Of the examples, those that are cut in their document, and those left out. */
  readonly cut: number;
  readonly tooLong: number;
  /** Examples longer than so many tokens. */
  readonly longerThan: Readonly<Record<string, number>>;
  readonly prefix: PrefixStats;
  readonly packing: PackingEstimate;
  /** How many examples prefix and packing were found from: all, or an even sample. */
  readonly sampled: number;
}

export interface PrefixStats {
  /** Tokens that all examples begin with. */
  readonly all: number;
  /** Tokens that at least nine of ten begin with. */
  readonly usual: number;
  readonly text: string;
}

const MAX_FIELDS = 1000;
const MAX_LABELS = 1000;
const LENGTHS = [256, 512, 2048] as const;
const USUAL_SHARE = 0.9;
/** Characters of the shared beginning that are shown. */
const PREFIX_TEXT = 400;
const ROWS_PER_TURN = 256;

/** @throws UserError for files that cannot be read; where a recipe is given, for what would stop training */
export async function dataStats(context: DataContext, onEvent: EventSink): Promise<SetStats[]> {
  const all: SetStats[] = [];
  let labels: Awaited<ReturnType<typeof openSet>>["labels"];
  for (const set of context.sets) {
    const open = await openSet(context, set, labels, onEvent);
    labels ??= open.labels;
    const problems = new Problems();
    const counter = new SetCounter(context);
    let seen = 0;
    for await (const row of open.rows(problems)) {
      counter.add(row, problems);
      if (++seen % ROWS_PER_TURN === 0) await new Promise(setImmediate);
    }
    const { shape, reason, formats } = open;
    const stats = counter.result();
    all.push({
      ...{ name: set.name, files: set.files, formats, shape: shape?.kind ?? null, shapeReason: reason },
      ...{ ...stats, skipped: problems.skipped, problems: problems.groups() },
    });
  }
  return all;
}

class SetCounter {
  readonly #fields = new Map<string, number>();
  readonly #labels = new Map<string, number>();
  readonly #characters = Column.i32();
  readonly #duplicates = new DuplicateFinder();
  readonly #tokens: TokenCounter | undefined;
  #rows = 0;

  constructor(context: DataContext) {
    this.#tokens = context.tokens && new TokenCounter(context, context.tokens);
  }

  add({ raw, row, dataset, labels }: OpenRow, problems: Problems): void {
    for (const name of Object.keys(raw.fields)) count(this.#fields, name, MAX_FIELDS);
    if (row === undefined) return;
    this.#rows++;
    const indices = row.labels ?? (row.label === undefined ? [] : [row.label]);
    const names = indices.map((index) => labels!.names[index]!);
    for (const name of names) count(this.#labels, name, MAX_LABELS + 1);
    const set = dataset();
    const { prompt, answer, characters } = saidIn(set, names);
    this.#characters.push(characters);
    this.#duplicates.add(prompt, answer, row.file, row.line);
    this.#tokens?.add(set, problems);
  }

  result(): Pick<SetStats, "rows" | "fields" | "labels" | "characters" | "tokens" | "duplicates"> {
    const order = new Intl.Collator("en", { numeric: true });
    const labelled = this.#labels.size > 0 && this.#labels.size <= MAX_LABELS;
    return {
      rows: this.#rows,
      fields: Object.fromEntries(this.#fields),
      labels: labelled ? Object.fromEntries([...this.#labels].sort(([a], [b]) => order.compare(a, b))) : null,
      characters: this.#characters.length === 0 ? null : describeLengths(ascending(this.#characters)),
      tokens: this.#tokens?.result() ?? null,
      duplicates: this.#duplicates.result(),
    };
  }
}

class TokenCounter {
  readonly #context: DataContext;
  readonly #tokens: TokenContext;
  readonly #lengths = Column.i32();
  readonly #prefix = new SharedPrefix();
  readonly #sample: ExampleSample;
  #supervised = 0;
  #cut = 0;
  #tooLong = 0;

  constructor(context: DataContext, tokens: TokenContext) {
    this.#context = context;
    this.#tokens = tokens;
    this.#sample = new ExampleSample(context.recipe.seed);
  }

  add(dataset: Dataset, problems: Problems): void {
    const { encoder, encodeOptions } = this.#tokens;
    for (let index = 0; index < dataset.length; index++) {
      const whole = encodeRow(dataset, index, encoder, { ...encodeOptions, maxLength: 2 ** 26 }, problems);
      if (whole === undefined) continue;
      this.#lengths.push(whole.ids.length);
      const used = this.#used(whole, dataset, index);
      if (used === undefined) continue;
      this.#prefix.add(used.ids);
      this.#sample.add(used);
      for (const own of used.supervised) this.#supervised += own;
    }
  }

  /** The example as it would be learnt. */
  #used(whole: EncodedExample, dataset: Dataset, index: number): EncodedExample | undefined {
    const { encoder, encodeOptions } = this.#tokens;
    if (whole.ids.length <= encodeOptions.maxLength) return whole;
    // What would be refused is counted as left out: the first such row is told by training itself.
    const tooLong = encodeOptions.tooLong === "cut" ? "cut" : "skip";
    const used = encodeRow(dataset, index, encoder, { ...encodeOptions, tooLong }, new Problems());
    if (used === undefined) this.#tooLong++;
    else this.#cut++;
    return used;
  }

  result(): TokenStats | null {
    const { encoder, encodeOptions, maxTokens } = this.#tokens;
    const { examples } = this.#sample;
    if (this.#lengths.length === 0 || examples.length === 0) return null;
    const sorted = ascending(this.#lengths);
    const { maxLength } = encodeOptions;
    const shared = this.#prefix.tokens;
    const usual = usualPrefix(
      examples.map(({ ids }) => ids),
      USUAL_SHARE,
    );
    return {
      lengths: describeLengths(sorted),
      supervised: this.#supervised,
      maxLength,
      cut: this.#cut,
      tooLong: this.#tooLong,
      longerThan: Object.fromEntries(LENGTHS.map((length) => [length, countLonger(sorted, length)])),
      prefix: {
        all: shared.length,
        usual,
        text: encoder.tokenizer.decode(shared.subarray(0, PREFIX_TEXT)).slice(0, PREFIX_TEXT),
      },
      packing: estimatePacking(examples, this.#context.recipe, maxTokens),
      sampled: examples.length,
    };
  }
}

function count(counts: Map<string, number>, name: string, most: number): void {
  if (counts.has(name) || counts.size < most) counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** What a row asks and what it answers, as texts that differ where the rows do. */
function saidIn(set: Dataset, labels: readonly string[]): { prompt: string; answer: string; characters: number } {
  const example = set.example(0);
  const named = labels.length === 0 ? "" : JSON.stringify(labels);
  if (example.kind === "text") return { prompt: example.text, answer: named, characters: example.text.length };
  const { messages, tools } = example;
  const last = messages.at(-1)!;
  const answered = last.role === "assistant" && messages.length > 1;
  const asked = answered ? messages.slice(0, -1) : messages;
  return {
    prompt: JSON.stringify([asked, tools ?? null]),
    answer: answered && labels.length === 0 ? last.content : named,
    characters: messages.reduce((sum, { content }) => sum + content.length, 0),
  };
}
