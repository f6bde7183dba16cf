import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openReferenceDevice } from "../../src/engine/open-device.ts";
import { openModel, saveModel } from "../../src/model/families/model.ts";

const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/** Keys of config.json beside the sizes, by `model_type`. */
const configs: Readonly<Record<string, object>> = {
  bert: { architectures: ["BertModel"], hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1 },
  roberta: { architectures: ["RobertaForMaskedLM"], pad_token_id: 0 },
  modernbert: { architectures: ["ModernBertForMaskedLM"], classifier_pooling: "mean", local_attention: 6 },
};

/**
 * Writes an encoder of two small layers with random weights, without a class head, and a WordPiece tokenizer that knows the
 * letters and the given words.
 */
export function writeSmallEncoder(folder: string, words: readonly string[], type: string = "bert"): void {
  mkdirSync(folder, { recursive: true });
  const letters = [..."abcdefghijklmnopqrstuvwxyz,."].flatMap((letter) => [letter, `##${letter}`]);
  const vocabulary = [...special, ...new Set([...letters, ...words.map((word) => word.toLowerCase())])];
  const token = (content: string): object => ({ SpecialToken: { id: content, type_id: 0 } });
  const ids = (content: string): object => ({ id: content, ids: [special.indexOf(content)], tokens: [content] });
  const write = (name: string, json: object): void => writeFileSync(join(folder, name), JSON.stringify(json));
  write("tokenizer.json", {
    version: "1.0",
    added_tokens: special.map((content, id) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    })),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [token("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, token("[SEP]")],
      pair: [
        token("[CLS]"),
        { Sequence: { id: "A", type_id: 0 } },
        token("[SEP]"),
        { Sequence: { id: "B", type_id: 1 } },
      ],
      special_tokens: { "[CLS]": ids("[CLS]"), "[SEP]": ids("[SEP]") },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  });
  write("tokenizer_config.json", {
    tokenizer_class: "BertTokenizer",
    pad_token: "[PAD]",
    cls_token: "[CLS]",
    sep_token: "[SEP]",
  });
  write("config.json", {
    model_type: type,
    vocab_size: vocabulary.length,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: 64,
    initializer_range: 0.1,
    dtype: "float32",
    pad_token_id: 0,
    ...configs[type],
  });
  const device = openReferenceDevice();
  const config = { labels: 2, dense: [], activation: "gelu", dropout: 0 } as const;
  using model = openModel(folder, device, { format: { kind: "f32" }, randomSeed: 1, classHead: { config, seed: 1 } });
  for (const name of model.classHead!.parameters.keys()) model.parameters.tensors.delete(name);
  saveModel(model, folder, "F32");
}
