/** A memory plan as it is told before the run. */
import type { Forecast } from "../../../base/events.ts";
import type { Recipe } from "../../../base/recipe/recipe.ts";
import type { RehearsalTarget } from "../../../engine/open-rehearsal.ts";
import type { Choose } from "../fit-recipe.ts";
import type { MemoryPlan } from "./plan-memory.ts";
import { describeFormat } from "./weight-formats.ts";

export function forecastOf(
  { method }: Recipe,
  plan: MemoryPlan,
  { title, budget }: RehearsalTarget,
  steps: number,
  processes = 1,
): Forecast {
  const { memory, peakBytes, fits, maxTokens, tokensPerStep, packsPerStep, secondsPerStep, format } = plan;
  return {
    device: processes === 1 ? title : `each of ${processes}: ${title}`,
    weights: describeFormat(format, method === "full"),
    recompute: describeRecompute(plan),
    budgetBytes: budget,
    seconds: secondsPerStep * steps,
    ...{ memory, peakBytes, fits, maxTokens, tokensPerStep, packsPerStep, secondsPerStep, steps },
  };
}

/** Tells those of the choices that the recipe leaves open. */
export function tellMemoryPlan({ packing, training, method }: Recipe, plan: MemoryPlan, choose: Choose): void {
  const { maxTokens, recompute, peakBytes, budget, layers, format } = plan;
  const share = `${gib(peakBytes)} of ${gib(budget)} GiB`;
  if ((method === "full" && format.kind === "bf16") || format.embeddingOnHost) {
    choose(["method"], method, `${describeFormat(format, method === "full")}, to fit ${gib(budget)} GiB`);
  }
  if (plan.optim !== training.optim) {
    choose(["training", "optim"], plan.optim, `nothing else fits: states of ${gib(plan.onHost)} GiB in host memory`);
  }
  if (packing.max_tokens === "auto") choose(["packing", "max_tokens"], maxTokens, packsReason(plan));
  if (training.recompute === "auto") {
    const value = recompute.fullLayers >= layers ? "full" : recompute.cheap ? "auto" : "none";
    choose(["training", "recompute"], value, `${describeRecompute(plan)}: ${share}`);
  }
}

function packsReason({ onCard, secondsPerStep, tokensPerStep }: MemoryPlan): string {
  if (!onCard) return "activations of a pack stay near 512 MiB";
  return `fastest of what fits: about ${Math.round(tokensPerStep / secondsPerStep)} tokens/s`;
}

/** What the backward pass computes again. */
export function describeRecompute({ recompute, layers }: Pick<MemoryPlan, "recompute" | "layers">): string {
  const { cheap, fullLayers } = recompute;
  if (fullLayers >= layers) return "all layers are computed again";
  const parts = [
    ...(cheap ? ["norms and MLP activations"] : []),
    ...(fullLayers > 0 ? [`${fullLayers} of ${layers} layers`] : []),
  ];
  return parts.length === 0 ? "all activations are kept" : `${parts.join(" and ")} are computed again`;
}

export function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1);
}
