import { UserError } from "../../base/errors.ts";
import type { AdapterConfig } from "./adapter-config.ts";
import { fullMatches } from "./python-regex.ts";

/** `linear`: can be adapted. `head`: a Linear that gives the model's output. `other`: embeddings, norms. */
export type ModuleKind = "linear" | "head" | "other";

export type TargetSelection = Pick<AdapterConfig, "target_modules"> &
  Partial<Pick<AdapterConfig, "exclude_modules" | "layers_to_transform" | "layers_pattern" | "modules_to_save">>;

/**
 * The modules that an adapter is put on, by PEFT's rules: a list holds whole paths or endings after a dot, a string is
 * a Python regular expression for the whole path, `all-linear` is every Linear but the output head.
 * @param modules every module of the model that has weights, by path, in model order.
 * @returns matched paths in model order.
 * @throws UserError when nothing matches, a match cannot be adapted, or the expression is not valid.
 */
export function matchTargets(modules: ReadonlyMap<string, ModuleKind>, selection: TargetSelection): string[] {
  const { target_modules: targets, exclude_modules: excluded, modules_to_save: saved } = selection;
  if (targets === null) throw bad("no target modules are given", modules);
  const paths = [...modules.keys()];
  const isAllLinear = typeof targets === "string" && targets.toLowerCase() === "all-linear";
  const wanted = isAllLinear
    ? new Set(paths.filter((path) => modules.get(path) === "linear"))
    : matching(paths, targets);
  const unwanted = excluded == null ? new Set<string>() : matching(paths, excluded);
  const inLayers = layerFilter(selection);
  const matched = paths.filter(
    (path) => wanted.has(path) && !unwanted.has(path) && inLayers(path) && !isSaved(path, saved ?? []),
  );
  if (matched.length === 0) throw bad(`target modules ${JSON.stringify(targets)} match nothing`, modules);
  const odd = matched.find((path) => modules.get(path) === "other");
  if (odd !== undefined) throw bad(`target module "${odd}" is not a Linear and cannot be adapted`, modules);
  return matched;
}

/**
 * The shortest endings that select exactly `targets` among all modules, as PEFT writes them: `["k_proj", "q_proj"]`.
 */
export function shortestTargets(targets: readonly string[], modules: Iterable<string>): string[] {
  const chosen = new Set(targets);
  const taken = new Set<string>();
  for (const path of modules) {
    if (!chosen.has(path)) for (const ending of endings(path)) taken.add(ending);
  }
  const short = new Set<string>();
  for (const path of targets) short.add(endings(path).find((ending) => !taken.has(ending)) ?? path);
  return [...short].sort();
}

/** `a.b.c` → `c`, `b.c`, `a.b.c`. */
function endings(path: string): string[] {
  const parts = path.split(".");
  return parts.map((_, i) => parts.slice(parts.length - 1 - i).join("."));
}

function matching(paths: readonly string[], selector: string | readonly string[]): Set<string> {
  if (typeof selector === "string") return new Set(fullMatches(paths, selector, "target_modules"));
  const names = new Set(selector);
  return new Set(paths.filter((path) => endings(path).some((ending) => names.has(ending))));
}

/** PEFT's rule: the number after the layers' pattern, by default after any name, is the layer's index. */
function layerFilter({
  layers_to_transform: layers,
  layers_pattern: pattern,
}: TargetSelection): (path: string) => boolean {
  if (layers == null) return () => true;
  const indices = new Set(typeof layers === "number" ? [layers] : layers);
  const patterns = pattern == null || pattern.length === 0 ? [] : typeof pattern === "string" ? [pattern] : pattern;
  return (path) => {
    const parts = path.split(".");
    const at = parts.findIndex(
      (part, i) => i > 0 && /^\d+$/.test(part) && (patterns.length === 0 || patterns.includes(parts[i - 1]!)),
    );
    return at > 0 && indices.has(Number(parts[at]));
  };
}

/** PEFT: `(^|.*\.)name($|\..*)`. */
function isSaved(path: string, saved: readonly string[]): boolean {
  return saved.some((name) => `.${path}.`.includes(`.${name}.`));
}

function bad(message: string, modules: ReadonlyMap<string, ModuleKind>): UserError {
  const names = new Set<string>();
  for (const [path, kind] of modules) if (kind !== "other") names.add(path.slice(path.lastIndexOf(".") + 1));
  return new UserError({
    code: "adapter/target-modules",
    message,
    where: "target_modules",
    fix: `there are: ${[...names].sort().join(", ")}`,
  });
}
