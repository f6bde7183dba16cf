/**
 * `npm run bench -- regions RUN`: whether the lines that a classifier's findings are shown at are the right ones, held to
 * lines that readers named, and what finding them costs.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { loadModel } from "../src/app/api/load-model.ts";
import { classifierOf, scoringSetOf } from "../src/app/api/scoring-set.ts";
import { plainTable } from "../src/app/report/plain-table.ts";
import { packageRoot } from "../src/base/package-root.ts";
import { loadTaxonomy } from "../src/base/taxonomy/load-taxonomy.ts";
import type { Dataset } from "../src/tune/data/dataset.ts";
import { windowsOf } from "../src/tune/data/windows.ts";
import { labelNames } from "../src/tune/score/predict-rows.ts";
import { dockerfileUnits } from "../src/tune/score/regions/dockerfile-units.ts";
import { absenceRegion, findRegions, type RegionRequest } from "../src/tune/score/regions/find-regions.ts";
import { type LabelOdds, textScorer } from "../src/tune/score/regions/label-odds.ts";
import { type Cost, Meter } from "./regions/cost.ts";
import { readGold } from "./regions/gold-file.ts";
import { chance, guesses, guessOf, leaveOneOut } from "./regions/guesses.ts";
import { type Guess, type Judged, judge, together } from "./regions/judge.ts";
import { toolLines } from "./regions/tool-lines.ts";

const gold = join(packageRoot, "data/dockerfile-risks/test.jsonl");

const taxonomy = join(packageRoot, "recipes/dockerfile-risks/risks.taxonomy.yaml");

const REGIONS = "regions";
const WITH_TAXONOMY = "regions, absences by the taxonomy";
const ONE_OUT = "each instruction left out";

interface Options {
  readonly data: readonly string[];
  readonly tool?: string;
  readonly findings: boolean;
  readonly json?: string;
}

export function regionsCommand(): Command {
  return new Command("regions")
    .description("the lines that findings in Dockerfiles are shown at, beside those that readers named")
    .argument("<run>", "a classifier: a run, adapter or model")
    .option("--data <files...>", "JSONL of {text, lines: {label: line or lines}}", [gold])
    .option(
      "--tool <name>",
      "in place of the readers' lines, those that this scanner names: hadolint, trivy, kics, ...",
    )
    .option("--findings", "only labels that the model gives too; default: all true labels", false)
    .option("--json <file>", "write the figures there")
    .action(measure);
}

/** Tokens that a template may put around a text. */
const ROOM = 64;

/** A window of a file, and the labels that it is the best window for. */
interface Row extends RegionRequest {
  /** By label: lines that show it. */
  readonly known: readonly (readonly number[])[];
}

async function measure(run: string, { data, tool, findings, json }: Options): Promise<void> {
  using model = await loadModel(run);
  const { encoder, encodeOptions, model: opened } = model.artefact;
  const rowsOf = (texts: readonly string[]): Dataset => scoringSetOf(model, texts, undefined);
  const one = rowsOf(["FROM scratch"]);
  const names = labelNames(one);
  const meter = new Meter(opened.decoder);
  const score = meter.counting(textScorer(classifierOf(model, one), rowsOf));

  const rows: Row[] = [];
  const files = data.flatMap((file) => readGold(file));
  const texts = files.map(({ text }) => text);
  const judges = tool === undefined ? files : await toolLines(tool, taxonomy, texts);
  for (const { text, lines } of judges) {
    const windows = windowsOf(text, encoder.tokenizer, encodeOptions.maxLength - ROOM);
    const labels = names.map((_, label) => label);
    const scores = await score(windows.map((window) => ({ text: window.text, labels })));
    const units = dockerfileUnits(text);
    for (const [i, window] of windows.entries()) {
      const isBest = (label: number): boolean => scores.every((own) => odds(own, label) <= odds(scores[i], label));
      const own = labels.filter(
        (label) => lines.has(names[label]!) && isBest(label) && (!findings || scores[i]?.given[label]),
      );
      if (own.length === 0) continue;
      rows.push({ text: units, window, labels: own, known: own.map((label) => lines.get(names[label]!)!) });
    }
  }

  const absent = new Set(loadTaxonomy(taxonomy).classes.flatMap((one) => (one.absence ? [one.name] : [])));
  const methods = new Map<string, Judged[][]>();
  const told = (method: string, label: number, guess: Guess, known: readonly number[]): void => {
    if (!methods.has(method))
      methods.set(
        method,
        names.map(() => []),
      );
    methods.get(method)![label]!.push(judge(guess, known));
  };
  const costs: Record<string, Cost> = {};
  meter.take();
  for await (const [{ text, window, labels, known }, regions] of findRegions(score, rows)) {
    for (const [i, label] of labels.entries()) {
      told(REGIONS, label, guessOf(regions[i]!), known[i]!);
      const { startLine, endLine } = absent.has(names[label]!) ? absenceRegion(text, window) : regions[i]!;
      const others = absent.has(names[label]!) ? [] : regions[i]!.others;
      const line = absent.has(names[label]!) ? startLine : regions[i]!.line;
      told(WITH_TAXONOMY, label, { regions: [{ startLine, endLine }, ...others], line }, known[i]!);
    }
  }
  costs[REGIONS] = meter.take();
  for (const row of rows) {
    const { labels, known } = row;
    const found = await leaveOneOut(score, row);
    for (const [i, label] of labels.entries()) told(ONE_OUT, label, found[i]!, known[i]!);
  }
  costs[ONE_OUT] = meter.take();
  for (const { text, labels, known } of rows) {
    for (const [method, guess] of Object.entries(guesses)) {
      for (const [i, label] of labels.entries()) told(method, label, guess(text), known[i]!);
    }
  }
  report(names, methods, chances(rows), costs);
  if (json !== undefined) {
    const figures = Object.fromEntries([...methods].map(([method, all]) => [method, all.map((own) => together(own))]));
    writeFileSync(json, `${JSON.stringify({ run, data, tool, findings, names, figures, costs }, null, 2)}\n`);
  }
}

function odds(scores: LabelOdds | undefined, label: number): number {
  return scores?.odds[label] ?? Number.NEGATIVE_INFINITY;
}

/** Drawn at random: mean share of findings that an instruction would hit, and a line. */
function chances(rows: readonly Row[]): { readonly region: number; readonly line: number } {
  const all = rows.flatMap(({ text, known }) => known.map((lines) => chance(text, lines)));
  const mean = (of: "region" | "line"): number => all.reduce((sum, own) => sum + own[of], 0) / all.length;
  return { region: mean("region"), line: mean("line") };
}

function report(
  names: readonly string[],
  methods: ReadonlyMap<string, readonly (readonly Judged[])[]>,
  random: { readonly region: number; readonly line: number },
  costs: Readonly<Record<string, Cost>>,
): void {
  const percent = (part: number, whole: number): string =>
    whole === 0 ? "" : `${((100 * part) / whole).toFixed(1)} %`;
  const figures = ({ findings, hits, hitsOfThree, lineHits, lines }: Judged): string[] => [
    String(findings),
    ...[hits, hitsOfThree, lineHits].map((part) => percent(part, findings)),
    findings === 0 ? "" : (lines / findings).toFixed(1),
  ];
  const head = ["", "findings", "region", "of three", "line", "lines"];
  const classes = names.map((name, label) => [name, ...figures(together(methods.get(REGIONS)![label]!))]);
  console.log(`${plainTable([REGIONS, ...head.slice(1)], classes)}\n`);
  const rows = [...methods].map(([method, all]) => [method, ...figures(together(all.flat()))]);
  const drawn = ["an instruction or line at random", "", percent(random.region, 1), "", percent(random.line, 1), ""];
  console.log(`${plainTable(head, [...rows, drawn])}\n`);
  for (const [method, { seconds, texts, tokens, tokensUnshared }] of Object.entries(costs)) {
    const findings = together(methods.get(method)!.flat()).findings;
    console.log(
      `${method}: ${(findings / seconds).toFixed(1)} findings/s, ${texts} texts scored, ${tokens} tokens computed, ` +
        `${tokensUnshared} without shared beginnings (${(tokensUnshared / tokens).toFixed(1)} times as many)`,
    );
  }
}
