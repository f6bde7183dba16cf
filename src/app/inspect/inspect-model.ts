import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { familyOf } from "../../model/families/index.ts";
import { classifierLabels } from "../../model/files/classifier-config.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { snapshotOf } from "../../model/files/hub/snapshot.ts";
import { openWeights } from "../../model/files/weights.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { type ClassifierFacts, classifierFacts } from "./decision-facts.ts";
import { countElements } from "./inspect-safetensors.ts";

export interface ModelInspection extends ClassifierFacts {
  readonly kind: "model";
  readonly path: string;
  /** `model_type` of config.json. */
  readonly family: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabulary: number;
  /** Longest text in tokens. */
  readonly context: number;
  readonly tiedEmbeddings: boolean;
  /** Null without weights. */
  readonly parameters: number | null;
  readonly dtypes: Readonly<Record<string, number>>;
  /** Weight files and their bytes. */
  readonly files: Readonly<Record<string, number>>;
  /** Tokens that the tokenizer knows; null without one. */
  readonly tokenizer: number | null;
  /** File and key of the chat template; null without one. */
  readonly chatTemplate: string | null;
  readonly problems: readonly string[];
}

/**
 * A Hugging Face folder, by its headers. What is absent is a problem; what is there must be sound.
 * @throws UserError when a file is damaged, or the model is of a type that is not known
 */
export function inspectModel(path: string): ModelInspection {
  const json = readConfigJson(path);
  const facts = classifierFacts(path);
  const config = familyOf(json).readConfig(json);
  const names = readdirSync(path);
  const problems: string[] = [];
  const hasTokenizer = existsSync(join(path, "tokenizer.json"));
  const tokenizer = hasTokenizer ? loadTokenizer(path).vocabSize : null;
  const template = loadChatTemplateIfAny(path);
  const weights = weightsOf(path, names);
  if (weights.elements === null) problems.push(whyNoWeights(path));
  if (tokenizer === null) problems.push("there is no tokenizer.json");
  else if (tokenizer > config.vocabSize) {
    problems.push(`the tokenizer has ${tokenizer} tokens, the model's vocabulary ${config.vocabSize}`);
  }
  if (template === undefined && !config.encoder) problems.push("there is no chat template: it takes plain text only");
  return {
    kind: "model",
    path,
    family: json.string("model_type"),
    layers: config.layers,
    hiddenSize: config.hiddenSize,
    heads: config.heads,
    keyValueHeads: config.kvHeads,
    vocabulary: config.vocabSize,
    context: config.maxPositions,
    tiedEmbeddings: config.tieEmbeddings,
    parameters: weights.elements,
    dtypes: weights.dtypes,
    files: weights.files,
    tokenizer,
    chatTemplate: template?.where ?? null,
    ...facts,
    labels: facts.labels ?? classifierLabels(json) ?? null,
    problems,
  };
}

function whyNoWeights(path: string): string {
  const snapshot = snapshotOf(path);
  return snapshot === undefined
    ? "there are no weights (model.safetensors): it can only be pre-trained"
    : `the weights are not fetched: fettle pull ${snapshot.repo}`;
}

function weightsOf(
  path: string,
  names: readonly string[],
): { elements: number | null; dtypes: Readonly<Record<string, number>>; files: Readonly<Record<string, number>> } {
  if (!names.some((name) => /\.(safetensors|bin|pt|pth|ckpt)$|\.safetensors\.index\.json$/.test(name))) {
    return { elements: null, dtypes: {}, files: {} };
  }
  using weights = openWeights(path);
  const files = names.filter((name) => name.endsWith(".safetensors")).sort();
  return {
    ...countElements(weights.names().map((name) => weights.info(name))),
    files: Object.fromEntries(files.map((name) => [name, statSync(join(path, name)).size])),
  };
}
