/** The model that a server is measured with, and the rows that it is asked about. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { openReferenceDevice } from "../../src/engine/open-device.ts";
import { openModel, saveModel } from "../../src/model/families/model.ts";
import { newsLabels, newsLines } from "../data/news-rows.ts";
import { modelFolder } from "../harness/scratch.ts";

export interface ServedFolder {
  readonly model: string;
  /** Says how the model is asked for labels. */
  readonly recipe: string;
}

/** Of which every prompt begins with the same instructions, as a classifier's do. */
const instructions = `You sort news by what they are about. ${[
  "World is politics, wars, accidents and whatever else happens between countries or within one.",
  "Sports is games, players, clubs, transfers and results, professional or not.",
  "Business is companies, markets, prices, jobs and money, whoever earns or loses it.",
  "Sci/Tech is research, space, medicine, computers, software, telephones and the companies that make them.",
].join(" ")} Read the text and say which one of the four it is, and nothing else.`;

/**
 * @param shape `nano`: fettle-nano with its own weights; otherwise a folder of bench/cuda/models, whose config.json is filled
 *   with random weights and given fettle-nano's tokenizer and template
 */
export function writeServedModel(folder: string, shape: string): ServedFolder {
  const model = join(folder, shape);
  cpSync(modelFolder, model, { recursive: true });
  if (shape !== "nano") fillShape(model, join(packageRoot, "bench/cuda/models", shape));
  const recipe = join(folder, "recipe.yaml");
  const template = { system: instructions, user: "{text}" };
  writeFileSync(recipe, JSON.stringify({ base: model, data: { labels: newsLabels }, template }));
  return { model, recipe };
}

export async function newsTexts(rows: number): Promise<string[]> {
  const lines = await newsLines();
  return Array.from({ length: rows }, (_, i) => (JSON.parse(lines[i % lines.length]!) as { text: string }).text);
}

function fillShape(model: string, shape: string): void {
  const own = JSON.parse(readFileSync(join(model, "config.json"), "utf8")) as Record<string, unknown>;
  const config = JSON.parse(readFileSync(join(shape, "config.json"), "utf8")) as Record<string, unknown>;
  const ids = { bos_token_id: own.bos_token_id, eos_token_id: own.eos_token_id, pad_token_id: own.pad_token_id };
  writeFileSync(join(model, "config.json"), JSON.stringify({ ...config, ...ids }));
  mkdirSync(model, { recursive: true });
  const device = openReferenceDevice();
  using random = openModel(model, device, { format: { kind: "f32" }, randomSeed: 1 });
  saveModel(random, model, "BF16");
}
