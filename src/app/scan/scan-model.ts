/** What a scan needs to know of a model before, and mostly instead of, opening it. */
import { createHash } from "node:crypto";
import { cpus, homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { Decision } from "../../tune/score/decision.ts";
import { answersOf, decisionOf, templateOf } from "../../tune/train/answers.ts";
import { findParts } from "../../tune/train/artefact-parts.ts";
import { cleanLabels, plainRule, reasonOf, type ScanRule, type ScanSettings } from "../../tune/train/scan-settings.ts";
import { baseOf, type LoadedModel, type LoadModelOptions, loadModel, readingOf } from "../api/load-model.ts";
import { folderOf } from "../api/pull.ts";
import { labelsOf } from "../api/scoring-set.ts";
import { deviceEnvironment } from "../environment.ts";
import { type Overrides, override } from "./config/overrides.ts";
import { hashModelFiles } from "./model-files.ts";

export interface ScanModelOptions extends LoadModelOptions {
  /** Which files, in place of what the model says. */
  readonly files?: readonly string[] | undefined;
  /** Which of them not. */
  readonly exclude?: readonly string[] | undefined;
  /** Severities and thresholds in place of the model's. */
  readonly overrides?: Overrides | undefined;
  /** False: findings are told for whole texts, without looking for the lines that they are about. */
  readonly regions?: boolean | undefined;
}

/** A model that is opened when it is first needed. */
export interface LazyModel {
  readonly name: string;
  /** In the order of scores. */
  readonly labels: readonly string[];
  readonly decision: Decision;
  readonly settings: ScanSettings;
  /** By label, those that can be found. */
  readonly rules: ReadonlyMap<string, ScanRule>;
  readonly fingerprint: string;
  /** Whether the lines are looked for that findings are about. */
  readonly regions: boolean;
  readonly open: () => Promise<LoadedModel>;
}

/** Counted up when the same model says something else of the same text. */
const SCORING = 2;

/** @throws UserError when there is no such classifier, or nobody says which files it is for */
export async function findScanModel(name: string, options: ScanModelOptions): Promise<LazyModel> {
  const { onEvent = () => {}, regions = true } = options;
  const path = await folderOf(name, { onEvent });
  const base = await baseOf(path, options.base, onEvent);
  const { modelFolder, adapterFolder, run } = findParts(path, base);
  const answers = answersOf({ modelFolder, adapterFolder });
  const reading = options.reading ?? readingOf(path, options.recipe);
  const template = reading?.template ?? run?.template ?? templateOf(answers, modelFolder);
  const artefact = { path, answers, labels: answers.labels ?? run?.labels ?? undefined };
  const labels = labelsOf({ artefact, labels: reading?.data.labels ?? undefined }, undefined)?.names;
  if (labels === undefined) throw noLabels(name);
  const multiLabel = reading?.multiLabel ?? answers.multiLabel;
  const decision = decisionOf({ ...answers, multiLabel }, labels, reading?.positiveLabel);
  const settings = settingsOf(name, answers.file?.scan ?? undefined, options.files, labels, decision, onEvent);
  const rules = labels.flatMap((label) => settings.rules.find((rule) => rule.label === label) ?? []);
  const folders = adapterFolder === undefined ? [modelFolder] : [modelFolder, adapterFolder];
  const identity = {
    scoring: [SCORING, packageVersion],
    files: await hashModelFiles(folders, join(scanFolder(), "models.json")),
    run: run && [run.quantization, run.templateHash],
    ...{ labels, decision, template, text: settings.text, regions },
    // The same bits come from the same arithmetic.
    machine: [options.device ?? "auto", options.precision ?? "auto", process.arch, cpus()[0]?.model ?? ""],
  };
  // What is scored does not depend on them, so that it is still known when they change.
  const changed =
    options.overrides === undefined ? { rules, decision } : override(labels, rules, decision, options.overrides);
  const except = (options.exclude ?? []).map((pattern) => `!${pattern}`);
  return {
    ...{ name, labels, decision: changed.decision, regions },
    settings: { ...settings, files: [...settings.files, ...except] },
    rules: new Map(changed.rules.map((rule) => [rule.label, rule])),
    fingerprint: createHash("sha256").update(JSON.stringify(identity)).digest("hex"),
    open: () => loadModel(path, { ...options, base }),
  };
}

/** Where scans keep what they can compute again. */
export function scanFolder(): string {
  return join(deviceEnvironment().cacheFolder ?? join(homedir(), ".cache", "fettle"), "scan");
}

function settingsOf(
  name: string,
  stored: ScanSettings | undefined,
  files: readonly string[] | undefined,
  labels: readonly string[],
  { multiLabel, positive }: Decision,
  onEvent: NonNullable<LoadModelOptions["onEvent"]>,
): ScanSettings {
  if (stored !== undefined) return files === undefined ? stored : { ...stored, files };
  if (files === undefined) {
    throw new UserError({
      code: "scan/no-files",
      message: "the model does not say which files it is for",
      where: name,
      fix: 'say it, such as --files "*.java"; or train with scan.files in the recipe, and the model says it',
    });
  }
  const clean = cleanLabels(labels, multiLabel, positive === undefined ? undefined : labels[positive]);
  if (!multiLabel)
    onEvent({ kind: "choice", name: "clean", value: clean.join(", ") || "none", reason: reasonOf(clean) });
  const rules = labels.filter((label) => !clean.includes(label)).map(plainRule);
  return { files, unit: "file", text: "{text}", clean, rules };
}

function noLabels(name: string): UserError {
  return new UserError({
    code: "scan/no-labels",
    message: "it is not known which labels the model chooses from",
    where: name,
    fix: "scan with a classifier: a run that was trained on labels, or a model with a class head",
  });
}
