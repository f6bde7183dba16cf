import { activationCases } from "./activation/activation.cases.ts";
import { adamwCases } from "./adamw/adamw.cases.ts";
import { adamw8bitCases } from "./adamw-8bit/adamw-8bit.cases.ts";
import { addCases } from "./add/add.cases.ts";
import { attentionCases } from "./attention/attention.cases.ts";
import { castCases } from "./cast/cast.cases.ts";
import { classLossCases } from "./class-loss/class-loss.cases.ts";
import { crossEntropyCases } from "./cross-entropy/cross-entropy.cases.ts";
import { doraCases } from "./dora/dora.cases.ts";
import { dropoutCases } from "./dropout/dropout.cases.ts";
import { embeddingCases } from "./embedding/embedding.cases.ts";
import { gatedCases } from "./gated/gated.cases.ts";
import { gatedLinearCases } from "./gated-linear/gated-linear.cases.ts";
import { layernormCases } from "./layernorm/layernorm.cases.ts";
import { linearCases } from "./linear/linear.cases.ts";
import { logProbabilityCases } from "./log-probability/log-probability.cases.ts";
import { nf4Cases } from "./nf4/nf4.cases.ts";
import type { OpCase } from "./op-case.ts";
import { pagedAttentionCases } from "./paged-attention/paged-attention.cases.ts";
import { randomCases } from "./random/random.cases.ts";
import { reshapeCases } from "./reshape/reshape.cases.ts";
import { rmsnormCases } from "./rmsnorm/rmsnorm.cases.ts";
import { ropeCases } from "./rope/rope.cases.ts";
import { rowsCases } from "./rows/rows.cases.ts";
import { scaleCases } from "./scale/scale.cases.ts";
import { segmentMeanCases } from "./segment-mean/segment-mean.cases.ts";
import { splitCases } from "./split/split.cases.ts";
import { sumSquaresCases } from "./sum-squares/sum-squares.cases.ts";
import { topTokensCases } from "./top-tokens/top-tokens.cases.ts";
import { transposeCases } from "./transpose/transpose.cases.ts";

/** Every op's conformance cases, one line an op. */
export const opCases: readonly OpCase[] = [
  ...addCases,
  ...attentionCases,
  ...linearCases,
  ...rmsnormCases,
  ...adamwCases,
  ...castCases,
  ...scaleCases,
  ...sumSquaresCases,
  ...classLossCases,
  ...crossEntropyCases,
  ...doraCases,
  ...dropoutCases,
  ...gatedCases,
  ...gatedLinearCases,
  ...logProbabilityCases,
  ...ropeCases,
  ...rowsCases,
  ...embeddingCases,
  ...reshapeCases,
  ...adamw8bitCases,
  ...nf4Cases,
  ...randomCases,
  ...activationCases,
  ...layernormCases,
  ...segmentMeanCases,
  ...splitCases,
  ...transposeCases,
  ...topTokensCases,
  ...pagedAttentionCases,
];
