/** RoBERTa: BERT without pooler, whose positions begin after the padding token's id, and whose head has a dense layer. */
import type { Sequence } from "../../engine/nn/sequence.ts";
import { bertFamily, readBertConfig } from "./bert-block.ts";
import { prefixed } from "./encoder-traits.ts";
import type { Family } from "./family.ts";

export const roberta: Family = bertFamily("roberta", (json) => {
  const pad = json.integer("pad_token_id", 1);
  const config = readBertConfig(json, {
    classHead: () => ({
      pooling: "first",
      dropsInput: true,
      dense: [{ path: "classifier.dense", width: config.hiddenSize, bias: true, activation: "tanh" }],
      output: { path: "classifier.out_proj", bias: true },
      modules: ["classifier"],
    }),
    nameOf: prefixed("roberta", ["embeddings", "encoder", "pooler"]),
    isBeside: (name) => /^(lm_head|qa_outputs|roberta\.pooler)\.|\.position_ids$/.test(name),
  });
  const maxPositions = config.positions - pad - 1;
  if (pad < 0 || maxPositions < 1) throw json.wrong("pad_token_id", "from 0 to less than max_position_embeddings");
  return { ...config, maxPositions, positionsOf: (sequence) => positionsAfter(pad, sequence) };
});

/** Tokens are counted from pad + 1 on; a padding token in a text has position pad and is not counted. */
function positionsAfter(pad: number, { tokens, positions }: Sequence): Int32Array {
  let next = 0;
  return positions.map((depth, i) => {
    if (depth === 0) next = pad + 1;
    return tokens[i] === pad ? pad : next++;
  });
}
