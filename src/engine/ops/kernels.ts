/**
 * The op folders, one line each. A folder NAME holds NAME.ts (contract and gradient rule), NAME.reference.ts,
 * NAME.c and NAME.cases.ts.
 */
import type { ReferenceKernels } from "../device/reference/reference-device.ts";
import { activationReference } from "./activation/activation.reference.ts";
import { adamwReference } from "./adamw/adamw.reference.ts";
import { adamw8bitReference } from "./adamw-8bit/adamw-8bit.reference.ts";
import { addReference } from "./add/add.reference.ts";
import { attentionReference } from "./attention/attention.reference.ts";
import { castReference } from "./cast/cast.reference.ts";
import { classLossReference } from "./class-loss/class-loss.reference.ts";
import { crossEntropyReference } from "./cross-entropy/cross-entropy.reference.ts";
import { doraReference } from "./dora/dora.reference.ts";
import { dropoutReference } from "./dropout/dropout.reference.ts";
import { gatedReference } from "./gated/gated.reference.ts";
import { layernormReference } from "./layernorm/layernorm.reference.ts";
import { linearReference } from "./linear/linear.reference.ts";
import { logProbabilityReference } from "./log-probability/log-probability.reference.ts";
import { nf4Reference } from "./nf4/nf4.reference.ts";
import { pagedAttentionReference } from "./paged-attention/paged-attention.reference.ts";
import { randomReference } from "./random/random.reference.ts";
import { rmsnormReference } from "./rmsnorm/rmsnorm.reference.ts";
import { ropeReference } from "./rope/rope.reference.ts";
import { rowsReference } from "./rows/rows.reference.ts";
import { scaleReference } from "./scale/scale.reference.ts";
import { sumSquaresReference } from "./sum-squares/sum-squares.reference.ts";
import { topTokensReference } from "./top-tokens/top-tokens.reference.ts";
import { transposeReference } from "./transpose/transpose.reference.ts";

export const referenceKernelsByOp: Readonly<Record<string, ReferenceKernels>> = {
  add: addReference,
  attention: attentionReference,
  linear: linearReference,
  rmsnorm: rmsnormReference,
  adamw: adamwReference,
  cast: castReference,
  scale: scaleReference,
  "sum-squares": sumSquaresReference,
  "class-loss": classLossReference,
  "cross-entropy": crossEntropyReference,
  dora: doraReference,
  dropout: dropoutReference,
  gated: gatedReference,
  "log-probability": logProbabilityReference,
  rope: ropeReference,
  rows: rowsReference,
  "adamw-8bit": adamw8bitReference,
  nf4: nf4Reference,
  random: randomReference,
  activation: activationReference,
  layernorm: layernormReference,
  transpose: transposeReference,
  "top-tokens": topTokensReference,
  "paged-attention": pagedAttentionReference,
};
