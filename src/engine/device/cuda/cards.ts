/** What cards can do, from NVIDIA's data sheets, to plan for a card that is not there and to estimate times. */
import type { CudaProperties } from "./launcher.ts";

export interface Card {
  /** As people say it; the words occur in the name that the driver gives, too. */
  readonly name: string;
  /** In GiB, as the driver counts it. */
  readonly memory: number;
  /** Bytes a second. */
  readonly bandwidth: number;
  /** bf16 products with f32 sums, dense, FLOP a second. */
  readonly peak: number;
  readonly architecture: number;
  readonly multiprocessors: number;
}

const [TERA, GIGA] = [1e12, 1e9];

function card(
  name: string,
  memory: number,
  bandwidth: number,
  peak: number,
  architecture: number,
  multiprocessors: number,
): Card {
  return { name, memory, bandwidth: bandwidth * GIGA, peak: peak * TERA, architecture, multiprocessors };
}

/** Name, GiB, GB/s, TFLOP/s, architecture, multiprocessors. */
export const cards: readonly Card[] = [
  card("H100", 79.1, 3350, 989, 90, 132),
  card("H100 PCIe", 79.1, 2000, 756, 90, 114),
  card("H100 NVL", 93.1, 3900, 835, 90, 132),
  card("H200", 139.8, 4800, 989, 90, 132),
  card("GH200", 94.5, 4000, 989, 90, 132),
  card("B200", 178.3, 8000, 2250, 100, 148),
  card("GB10", 119.7, 273, 125, 121, 48),
  card("A100 80GB", 79.1, 2039, 312, 80, 108),
  card("A100 40GB", 39.4, 1555, 312, 80, 108),
  card("A100", 79.1, 2039, 312, 80, 108),
  card("A40", 44.4, 696, 150, 86, 84),
  card("A10", 22.1, 600, 125, 86, 72),
  card("A10G", 22.1, 600, 70, 86, 80),
  card("L40S", 44.4, 864, 362, 89, 142),
  card("L4", 22.1, 300, 121, 89, 58),
  card("RTX 6000 Ada", 47.4, 960, 364, 89, 142),
  card("RTX A6000", 47.4, 768, 155, 86, 84),
  card("RTX 3090", 23.6, 936, 71, 86, 82),
  card("RTX 4090", 23.6, 1008, 165, 89, 128),
  card("RTX 5090", 31.4, 1792, 209, 120, 170),
];

/** The card that a driver's or a person's name means: `NVIDIA H100 80GB HBM3`, `h100`. */
export function findCard(name: string): Card | undefined {
  const wanted = wordsOf(name);
  const fitting = cards.filter((known) => [...wordsOf(known.name)].every((word) => wanted.has(word)));
  return fitting.sort((a, b) => wordsOf(b.name).size - wordsOf(a.name).size)[0];
}

/** The data sheet's figures, or a guess from the number of multiprocessors for a card that is not in the table. */
export function speedsOf({ name, architecture, multiprocessors }: CudaProperties): Pick<Card, "bandwidth" | "peak"> {
  const perMultiprocessor = architecture >= 100 ? 12 : architecture >= 90 ? 7 : 2.5;
  return findCard(name) ?? { bandwidth: 800 * GIGA, peak: multiprocessors * perMultiprocessor * TERA };
}

/** The most shared memory a block can have, in KiB, by architecture (CUDA C++ Programming Guide, compute capabilities). */
const sharedKiB: Readonly<Record<number, number>> = { 80: 163, 90: 227, 100: 227 };
const SHARED_KIB_OF_OTHERS = 99;

/** What the device would say of itself. */
export function propertiesOf({ name, memory, architecture, multiprocessors }: Card): CudaProperties {
  const sharedPerBlock = (sharedKiB[architecture] ?? SHARED_KIB_OF_OTHERS) * 1024;
  return { name, architecture, multiprocessors, sharedPerBlock, totalMemory: Math.floor(memory * 2 ** 30) };
}

function wordsOf(name: string): Set<string> {
  return new Set(name.toLowerCase().match(/[a-z0-9]+/g) ?? []);
}
