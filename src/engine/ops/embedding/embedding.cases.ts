import { encodeBf16 } from "../../device/bf16.ts";
import { integers, normal, type OpCase } from "../op-case.ts";
import { embedding } from "./embedding.ts";

export const embeddingCases: readonly OpCase[] = [
  {
    name: "embedding 11x33, repeated ids",
    inputs: { table: normal([11, 33], 1), ids: integers([3, 0, 10, 3, 3, 7]) },
    activations: [],
    parameters: ["table"],
    run: ({ table, ids }) => embedding(table!, ids!),
  },
  {
    name: "embedding 50x200, scaled",
    inputs: { table: normal([50, 200], 1), ids: integers(Array.from({ length: 131 }, (_, i) => (i * 7) % 50)) },
    activations: [],
    parameters: ["table"],
    run: ({ table, ids }) => embedding(table!, ids!, { scale: 14.125 }),
  },
  {
    name: "embedding 9x40, bf16 table",
    inputs: { table: { values: encodeBf16(normal([9, 40], 1).values), shape: [9, 40] }, ids: integers([8, 1, 1, 5]) },
    activations: [],
    parameters: [],
    run: ({ table, ids }) => embedding(table!, ids!),
  },
];
