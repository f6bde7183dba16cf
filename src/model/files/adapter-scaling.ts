import type { AdapterConfig } from "./adapter-config.ts";
import { fullMatches } from "./python-regex.ts";

/** Rank and strength of one module's adapter: y = base(x) + scale · B(A(x)). */
export interface AdapterScaling {
  readonly rank: number;
  readonly alpha: number;
  /** alpha / rank, or alpha / √rank with rank-stabilised LoRA. */
  readonly scale: number;
}

/**
 * Rank, alpha and scale of every adapted module. `rank_pattern` and `alpha_pattern` override the global values: the first
 * key, in the file's order, that matches the module's path or its ending after a dot as a Python expression.
 * @throws UserError for a key that is no expression.
 */
export function adapterScalings(
  config: Pick<AdapterConfig, "r" | "lora_alpha" | "use_rslora" | "rank_pattern" | "alpha_pattern">,
  modules: readonly string[],
): Map<string, AdapterScaling> {
  const ranks = byPattern(config.rank_pattern, modules, "rank_pattern");
  const alphas = byPattern(config.alpha_pattern, modules, "alpha_pattern");
  return new Map(
    modules.map((module) => {
      const rank = ranks.get(module) ?? config.r;
      const alpha = alphas.get(module) ?? config.lora_alpha;
      return [module, { rank, alpha, scale: alpha / (config.use_rslora ? Math.sqrt(rank) : rank) }];
    }),
  );
}

function byPattern(
  patterns: Readonly<Record<string, number>>,
  modules: readonly string[],
  where: string,
): Map<string, number> {
  const values = new Map<string, number>();
  for (const [pattern, value] of Object.entries(patterns)) {
    for (const module of fullMatches(modules, `(.*\\.)?(${pattern})`, where)) {
      if (!values.has(module)) values.set(module, value);
    }
  }
  return values;
}
