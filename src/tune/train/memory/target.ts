/** The device that a run will have, as a rehearsal needs to know it. */
import { totalmem } from "node:os";
import { UserError } from "../../../base/errors.ts";
import type { Recipe } from "../../../base/recipe/recipe.ts";
import { cards, findCard } from "../../../engine/device/cuda/cards.ts";
import type { CudaDevice } from "../../../engine/device/cuda/cuda-device.ts";
import type { Device } from "../../../engine/device/device.ts";
import type { Speeds } from "../../../engine/device/rehearsal-device.ts";
import {
  type RehearsalTarget,
  rehearsalOfCard,
  rehearsalOfHost,
  rehearsalOfProperties,
  wholeGiB,
} from "../../../engine/open-rehearsal.ts";
import { linear } from "../../../engine/ops/linear/linear.ts";
import { scope } from "../../../engine/tensor/scope.ts";
import { empty, zeros } from "../../../engine/tensor/tensor.ts";

/** Of the machine's memory, what a run on the CPU may take. */
const SHARE_OF_MACHINE = 0.85;

/** @param device open, and not yet holding a model */
export function targetOf(device: Device, { memory_budget: budget }: Recipe): RehearsalTarget {
  if (device.name === "cuda") {
    const { properties, precision } = device as CudaDevice;
    return rehearsalOfProperties(properties, precision, budget === "auto" ? wholeGiB(device.budget!) : budget);
  }
  return rehearsalOfHost(device, totalmem() * SHARE_OF_MACHINE, measureSpeeds(device));
}

/**
 * A card that need not be here.
 * @param name as in `--gpu h100`, or GiB of a card that is not known, as in `--gpu 24`
 */
export function targetOfCard(name: string, { precision, memory_budget: option }: Recipe): RehearsalTarget {
  const budget = option === "auto" ? undefined : option;
  const products = precision === "auto" ? "bf16" : precision;
  const card = findCard(name);
  if (card !== undefined) return rehearsalOfCard(card, products, budget);
  const gib = Number(name.replace(/ ?GiB$/i, ""));
  if (gib > 0) return rehearsalOfCard({ ...unknownCard, name: `a card of ${gib} GiB`, memory: gib }, products, budget);
  throw new UserError({
    code: "check/unknown-card",
    message: `the card "${name}" is not known`,
    fix: `give its memory in GiB, as in --gpu 24, or one of: ${cards.map((known) => known.name).join(", ")}`,
  });
}

/** Speeds as of an A100. */
const unknownCard = { bandwidth: 2039e9, peak: 312e12, architecture: 80, multiprocessors: 108 };

const [ROWS, WIDTH] = [256, 1024];

/** Of a small product and a small copy. */
function measureSpeeds(device: Device): Speeds {
  if (device.name === "reference") return { products: 2e8, bandwidth: 5e8, launch: 1e-6, halfSpeedAt: 0 };
  return scope(() => {
    const x = zeros(device, [ROWS, WIDTH]);
    const weight = zeros(device, [WIDTH, WIDTH]);
    const large = empty(device, [2 ** 21]);
    const product = fastest(() => scope(() => linear(x, weight)) && undefined);
    const zeroing = fastest(() => device.zero(large));
    // Products as small and as warm as this are faster than those of a step.
    const products = (0.7 * 2 * ROWS * WIDTH * WIDTH) / product;
    return { products, bandwidth: (2 * 4 * large.length) / zeroing, launch: 5e-6, halfSpeedAt: 32 };
  });
}

/** Seconds. */
function fastest(body: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 4; i++) {
    const start = performance.now();
    body();
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}
