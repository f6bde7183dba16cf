import { parse } from "yaml";
import { UserError } from "../../../base/errors.ts";
import { suggestName } from "../../../base/names.ts";
import { globExpression } from "./glob.ts";
import { formatRank, type Part, partNamed, partOf, parts } from "./parts.ts";

/** Files of each split of a data set, by the split's name. */
export type Splits = ReadonlyMap<string, readonly string[]>;

interface CardConfig {
  readonly name: string;
  readonly isDefault: boolean;
  readonly splits: ReadonlyMap<string, readonly string[]>;
}

/**
 * The splits of a data set on the hub: those that its card's `configs` name, otherwise what the names of its files say.
 * @param paths all files of the repository
 * @param card README.md
 * @param config one of the card's, or a folder of the repository
 * @throws UserError when there is no such configuration, or several and none is the default
 */
export function splitsOf(
  paths: readonly string[],
  card: string | undefined,
  config: string | undefined,
  where: string,
): Splits {
  const configs = configsOf(card);
  if (configs.length > 0) {
    const chosen = chooseConfig(configs, config, where);
    const data = paths.filter((path) => formatRank(path) !== undefined);
    const splits = [...chosen.splits].map(([name, globs]) => {
      const expressions = globs.map((glob) => globExpression(glob.replace(/^\.?\//, "")));
      return [name, data.filter((path) => expressions.some((expression) => expression.test(path)))] as const;
    });
    return new Map(splits.filter(([, files]) => files.length > 0));
  }
  return splitsByName(paths, config, where);
}

/** `data/train-00000-of-00002.parquet`, `train/…`, `CONFIG/train/0000.parquet`; files whose names say nothing are train. */
function splitsByName(paths: readonly string[], config: string | undefined, where: string): Splits {
  const data = paths.filter((path) => formatRank(path) !== undefined);
  if (data.length === 0) return new Map();
  const within = config === undefined ? data : data.filter((path) => path.startsWith(`${config}/`));
  const folders = [...new Set(data.flatMap((path) => path.split("/").slice(0, -1).slice(0, 1)))].filter(
    (folder) => partNamed(folder) === undefined && folder !== "data",
  );
  const fix = suggestName(config ?? "", folders);
  if (config !== undefined && within.length === 0) {
    throw new UserError({ code: "data/no-config", message: `it has no configuration ${config}`, where, fix });
  }
  const isSplitByFolder = within.length > 0 && within.every((path) => folders.includes(path.split("/")[0]!));
  if (config === undefined && isSplitByFolder && folders.length > 1 && !folders.includes("default")) {
    throw severalConfigs(folders, where);
  }
  const taken = config === undefined && isSplitByFolder && folders.includes("default") ? "default/" : "";
  const groups = new Map<string, string[]>();
  for (const path of within.filter((file) => file.startsWith(taken)).sort()) {
    const split = partOf(path) ?? "train";
    groups.set(split, [...(groups.get(split) ?? []), path]);
  }
  return new Map([...groups].map(([split, files]) => [split, oneFormat(files)]));
}

/** Where the same rows lie there in several formats, those of the best one. */
function oneFormat(files: readonly string[]): readonly string[] {
  const best = Math.min(...files.map((path) => formatRank(path)!));
  return files.filter((path) => formatRank(path) === best);
}

/** The split that is meant by a name, `valid` for `validation` included. @throws UserError when there is none */
export function splitNamed(splits: Splits, name: string, where: string): string {
  const found = splits.has(name)
    ? name
    : [...splits.keys()].find((split) => partNamed(split) !== undefined && partNamed(split) === partNamed(name));
  if (found !== undefined) return found;
  const fix = suggestName(name, [...splits.keys()]);
  throw new UserError({ code: "data/no-split", message: `it has no split ${name}`, where, fix });
}

/** The split of a part; a data set of one split that says no part is all training rows. */
export function splitOfPart(splits: Splits, part: Part): string | undefined {
  const names = [...splits.keys()];
  const found = names.find((name) => name === part) ?? names.find((name) => partNamed(name) === part);
  if (found !== undefined) return found;
  return part === "train" && names.length === 1 && partNamed(names[0]!) === undefined ? names[0] : undefined;
}

/** Parts that are there. */
export function partsOf(splits: Splits): readonly Part[] {
  return parts.filter((part) => splitOfPart(splits, part) !== undefined);
}

function chooseConfig(configs: readonly CardConfig[], wanted: string | undefined, where: string): CardConfig {
  const names = configs.map(({ name }) => name);
  if (wanted !== undefined) {
    const found = configs.find(({ name }) => name === wanted);
    if (found !== undefined) return found;
    const fix = suggestName(wanted, names);
    throw new UserError({ code: "data/no-config", message: `it has no configuration ${wanted}`, where, fix });
  }
  const chosen =
    configs.length === 1 ? configs[0] : configs.find(({ isDefault, name }) => isDefault || name === "default");
  if (chosen === undefined) throw severalConfigs(names, where);
  return chosen;
}

function severalConfigs(names: readonly string[], where: string): UserError {
  return new UserError({
    code: "data/no-config",
    message: "it has several configurations, and none is the default",
    where,
    fix: `name one: ${where}:${names[0]}; there are ${names.slice(0, 12).join(", ")}${names.length > 12 ? ", …" : ""}`,
  });
}

/** `configs` of a card's front matter, as far as they are what the hub's documentation says. */
function configsOf(card: string | undefined): readonly CardConfig[] {
  const front = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(card ?? "")?.[1];
  if (front === undefined) return [];
  let data: unknown;
  try {
    data = parse(front, { maxAliasCount: 10 });
  } catch {
    return [];
  }
  const { configs } = (data ?? {}) as { readonly configs?: unknown };
  return Array.isArray(configs) ? configs.flatMap((config) => configOf(config) ?? []) : [];
}

function configOf(config: unknown): CardConfig | undefined {
  if (typeof config !== "object" || config === null) return undefined;
  const { config_name: name, data_files: files, default: isDefault } = config as Record<string, unknown>;
  const splits = new Map<string, readonly string[]>();
  const listed = Array.isArray(files) ? files : [files];
  for (const file of listed) {
    if (typeof file === "string") splits.set("train", [...(splits.get("train") ?? []), file]);
    else if (typeof file === "object" && file !== null) {
      const { split, path } = file as Record<string, unknown>;
      const globs = [path].flat().filter((glob) => typeof glob === "string");
      if (typeof split === "string" && globs.length > 0) splits.set(split, globs);
    }
  }
  return typeof name === "string" && splits.size > 0 ? { name, isDefault: isDefault === true, splits } : undefined;
}
