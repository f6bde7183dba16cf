import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

/** One AG News row. The text is exactly the file's, its flaws (`#39;`, `\` for a line end) included. */
export interface Article {
  readonly title: string;
  readonly description: string;
}

/** One source file of a repository. */
export interface SourceFile {
  readonly source: string;
  /** Files of one group are variants of each other and stay on one side of a split. */
  readonly group: string;
  readonly text: string;
}

/** A labelled AG News row; `label` is the class name. */
export interface LabelledArticle extends Article {
  readonly label: string;
}

/** Class names of AG News in the order of its class indices, which start at 1. */
export const agNewsLabels: readonly string[] = ["World", "Sports", "Business", "Sci/Tech"];

/** Dockerfile repositories with a stated MIT, BSD or CC0 licence. */
const PERMISSIVE_DOCKERFILE_REPOSITORIES: ReadonlySet<string> = new Set([
  "vulhub/vulhub",
  "nodejs/docker-node",
  "jessfraz/dockerfiles",
  "HariSekhon/Dockerfiles",
  "demisto/dockerfiles",
  "docker-library/python",
  "docker-library/postgres",
  "docker-library/php",
  "docker-library/golang",
  "jupyter/docker-stacks",
  "docker/awesome-compose",
]);

/** Dockerfile collections with a stated MIT licence. */
const PERMISSIVE_DOCKERFILE_COLLECTIONS: ReadonlySet<string> = new Set(["dinosaur", "shipwright-broken"]);

/** Contract collections with a stated MIT or Apache-2.0 licence. */
const PERMISSIVE_CONTRACT_SOURCES: ReadonlySet<string> = new Set([
  "smartbugs-curated",
  "swc-registry",
  "not-so-smart-contracts",
  "solidifi",
]);

/** SolidiFI injects bugs into the same base contract up to seven times; more than two copies teach nothing new. */
const CONTRACTS_PER_GROUP = 2;

/** The labelled rows of `train.csv.gz` or `test.csv.gz` in `<data>/ag-news`, in the file's order. */
export function readAgNews(dataFolder: string, split: "train" | "test"): LabelledArticle[] {
  const rows: string[][] = parse(gunzipSync(readFileSync(join(dataFolder, "ag-news", `${split}.csv.gz`))));
  return rows.map(([index, title, description]) => ({
    label: agNewsLabels[Number(index) - 1]!,
    title: title!,
    description: description!,
  }));
}

/**
 * Letters and digits of the description, case ignored. Agencies issue the same text under several headlines: rows with
 * the same key are the same news.
 */
export function articleKey(article: Article): string {
  return article.description.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
}

/** Training articles without labels, each once, none of whose texts occurs in the test file. */
export function readArticles(dataFolder: string): Article[] {
  return withoutTestRows(dataFolder).map(({ title, description }) => ({ title, description }));
}

/** The labelled training rows, each text once, none of which occurs in the test file. */
export function withoutTestRows(dataFolder: string): LabelledArticle[] {
  const seen = new Set(readAgNews(dataFolder, "test").map(articleKey));
  return readAgNews(dataFolder, "train").filter((article) => {
    const key = articleKey(article);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Dockerfiles of the collections and repositories whose licence is stated and permissive. */
export function readDockerfiles(dataFolder: string): SourceFile[] {
  return readJsonLines(join(dataFolder, "dockerfiles", "dockerfiles.jsonl.gz")).flatMap((row) => {
    const { id, source = "", origin = "", content = "" } = row;
    const permitted =
      PERMISSIVE_DOCKERFILE_COLLECTIONS.has(source) ||
      (source === "single-repos" && PERMISSIVE_DOCKERFILE_REPOSITORIES.has(origin.slice(0, origin.indexOf("@"))));
    return permitted ? [{ source, group: id!, text: tidy(content) }] : [];
  });
}

/** Solidity contracts of the collections whose licence is stated and permissive. */
export function readContracts(dataFolder: string): SourceFile[] {
  const taken = new Map<string, number>();
  return readJsonLines(join(dataFolder, "solidity-swc", "contracts.jsonl.gz")).flatMap((row) => {
    const { id, source = "", code = "", group = id! } = row;
    const copies = taken.get(group) ?? 0;
    if (!PERMISSIVE_CONTRACT_SOURCES.has(source) || copies === CONTRACTS_PER_GROUP) return [];
    taken.set(group, copies + 1);
    return [{ source, group, text: tidy(code) }];
  });
}

function readJsonLines(path: string): Record<string, string | undefined>[] {
  const text = gunzipSync(readFileSync(path)).toString("utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Unix line ends, no runs of blank lines, and people's mail addresses replaced by a neutral one. */
function tidy(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/\b(?!git@)[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b/gi, "someone@example.com")
    .trim();
}
