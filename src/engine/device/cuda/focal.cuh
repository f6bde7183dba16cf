// The focal loss of one answer (Lin et al. 2017, arXiv 1708.02002).
#pragma once
#include "fettle.cuh"

// `slope` is what (p - onehot) is multiplied by in the gradient by the logits.
struct Focal {
  float loss, slope;
};

// (1 - p)^gamma * nats with nats = -log p.
__device__ __forceinline__ Focal focal_term(float nats, float gamma) {
  if (gamma == 0.f) return {nats, 1.f};
  // Not 0, whose power may be infinite; nats is 0 there, and so is the loss.
  float miss = fmaxf(-expm1f(-nats), 1e-30f);
  float before = powf(miss, gamma - 1.f);
  return {before * miss * nats, before * (miss + gamma * expf(-nats) * nats)};
}
