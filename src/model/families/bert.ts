/** BERT: an encoder whose classifiers read the first token ([CLS]) through a pooler, a dense layer with tanh. */
import { bertFamily, readBertConfig } from "./bert-block.ts";
import { prefixed } from "./encoder-traits.ts";
import type { Family } from "./family.ts";

export const bert: Family = bertFamily("bert", (json) => {
  const config = readBertConfig(json, {
    classHead: () => ({
      pooling: "first",
      dense: [{ path: "bert.pooler.dense", width: config.hiddenSize, bias: true, activation: "tanh" }],
      output: { path: "classifier", bias: true },
      modules: ["classifier", "pooler"],
    }),
    nameOf: prefixed("bert", ["embeddings", "encoder", "pooler"]),
    isBeside: (name) => /^(cls|qa_outputs)\.|\.position_ids$/.test(name),
  });
  return config;
});
