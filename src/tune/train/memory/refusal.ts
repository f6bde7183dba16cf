import { UserError } from "../../../base/errors.ts";
import type { Recipe } from "../../../base/recipe/recipe.ts";
import { methodSections } from "../../../base/recipe/schema.ts";
import { gib } from "./forecast.ts";
import { type MemoryPlan, type PlanInput, planMemory } from "./plan-memory.ts";

/** A change of the recipe that may make it fit, as it is written there. */
interface Remedy {
  readonly text: string;
  readonly recipe: Recipe;
}

/** Why a run that does not fit is refused, with the changes of the recipe that would make it fit. */
export function refusalOf(input: PlanInput, { peakBytes, budget }: MemoryPlan): UserError {
  const found: string[] = [];
  for (const { text, recipe } of remediesFor(input.recipe)) {
    const plan = planMemory({ ...input, recipe });
    if (plan.fits) found.push(`${text} (${gib(plan.peakBytes)} GiB)`);
  }
  return new UserError({
    code: "train/too-large",
    message: `the run needs ${gib(peakBytes)} GiB, ${input.target.title} has ${gib(budget)} GiB for it`,
    fix:
      found.length > 0
        ? `what would fit: ${found.join(", or ")}`
        : "take a smaller model, or a device with more memory",
  });
}

function remediesFor(recipe: Recipe): Remedy[] {
  const { method, training, packing } = recipe;
  const light: Recipe = {
    ...recipe,
    training: { ...training, recompute: "auto" },
    packing: { ...packing, max_tokens: packing.max_tokens === "auto" ? "auto" : Math.min(packing.max_tokens, 1024) },
  };
  const changed = [
    ...(training.recompute === "auto" ? [] : ["training.recompute: auto"]),
    ...(packing.max_tokens === light.packing.max_tokens ? [] : ["packing.max_tokens: 1024"]),
  ];
  const lightText = changed.join(" with ");
  const withMethod = (other: Recipe["method"]): Recipe => {
    const { lora, quantization, ...rest } = light;
    const changed = { ...rest, method: other };
    return {
      ...changed,
      ...methodSections(changed, { ...rest, lora, ...(other === "qlora" ? { quantization } : {}) }),
    };
  };
  const eightBit = { ...light, training: { ...light.training, optim: "adamw_8bit" as const } };
  return [
    ...(lightText === "" ? [] : [{ text: lightText, recipe: light }]),
    ...(training.optim === "adamw" ? [{ text: "training.optim: adamw_8bit", recipe: eightBit }] : []),
    ...(method === "full" ? [{ text: "method: lora", recipe: withMethod("lora") }] : []),
    ...(method === "qlora" ? [] : [{ text: "method: qlora", recipe: withMethod("qlora") }]),
  ];
}
