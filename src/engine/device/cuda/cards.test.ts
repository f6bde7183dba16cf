import assert from "node:assert/strict";
import { test } from "node:test";
import { findCard, speedsOf } from "./cards.ts";

test("cards are found by the names that drivers and people give", () => {
  const found = (name: string): string | undefined => findCard(name)?.name;
  assert.equal(found("NVIDIA H100 80GB HBM3"), "H100");
  assert.equal(found("NVIDIA H100 PCIe"), "H100 PCIe");
  assert.equal(found("NVIDIA A100-SXM4-40GB"), "A100 40GB");
  assert.equal(found("NVIDIA A100-PCIE-40GB"), "A100 40GB");
  assert.equal(found("NVIDIA L40S"), "L40S");
  assert.equal(found("NVIDIA GeForce RTX 4090"), "RTX 4090");
  assert.equal(found("h100"), "H100");
  assert.equal(found("rtx 3090"), "RTX 3090");
  assert.equal(found("24"), undefined);
  assert.equal(found("Radeon"), undefined);
});

test("a card that is not known is guessed by its multiprocessors", () => {
  const properties = { name: "NVIDIA X1", architecture: 90, multiprocessors: 132, sharedPerBlock: 0, totalMemory: 1 };
  const { peak } = speedsOf(properties);
  assert.ok(peak > 0.8 * 989e12 && peak < 1.2 * 989e12);
});
