/** The Modelfile by which `ollama create` makes a model of a GGUF file. */
import { UserError } from "../../base/errors.ts";
import type { JsonObject } from "../../model/files/json-file.ts";
import type { ChatTemplate, Message } from "../../model/text/chat-template.ts";
import { loadTokenizer, type Tokenizer } from "../../model/text/tokenizer.ts";
import { stopTokens } from "../../tune/score/stop-tokens.ts";
import type { ExportSource } from "./export-source.ts";

/** A chat format in Ollama's language and as the text it makes, so that it can be held against the model's own template. */
interface ChatFormat {
  readonly template: string;
  readonly render: (messages: readonly Message[]) => string;
}

const turns = (messages: readonly Message[], turn: (message: Message) => string, opening: string): string =>
  messages.map(turn).join("") + opening;

const formats: readonly ChatFormat[] = [
  // ChatML: Qwen and many others.
  {
    template:
      "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n",
    render: (messages) =>
      turns(messages, ({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`, "<|im_start|>assistant\n"),
  },
  // Llama 3.
  {
    template:
      "{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>{{ end }}" +
      "<|start_header_id|>assistant<|end_header_id|>\n\n",
    render: (messages) =>
      turns(
        messages,
        ({ role, content }) => `<|start_header_id|>${role}<|end_header_id|>\n\n${content}<|eot_id|>`,
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
      ),
  },
  // Gemma.
  {
    template:
      '{{- range .Messages }}<start_of_turn>{{ if eq .Role "assistant" }}model{{ else }}{{ .Role }}{{ end }}\n' +
      "{{ .Content }}<end_of_turn>\n{{ end }}<start_of_turn>model\n",
    render: (messages) =>
      turns(
        messages,
        ({ role, content }) => `<start_of_turn>${role === "assistant" ? "model" : role}\n${content}<end_of_turn>\n`,
        "<start_of_turn>model\n",
      ),
  },
  // Zephyr, TinyLlama.
  {
    template: "{{- range .Messages }}<|{{ .Role }}|>\n{{ .Content }}</s>\n{{ end }}<|assistant|>\n",
    render: (messages) => turns(messages, ({ role, content }) => `<|${role}|>\n${content}</s>\n`, "<|assistant|>\n"),
  },
];

const CONVERSATION: readonly Message[] = [
  { role: "user", content: "What is tall?" },
  { role: "assistant", content: "A tree." },
  { role: "user", content: "And small?" },
];
const SENTINEL = "Speak of plants.";

export interface Modelfile {
  readonly text: string;
  /** What is to be known about it. */
  readonly notes: readonly string[];
}

/** @param file name of the GGUF file beside it */
export function ollamaModelfile({ parts, model, template }: ExportSource, file: string): Modelfile {
  const tokenizer = loadTokenizer(parts.modelFolder);
  const notes: string[] = [];
  const lines = [`FROM ./${file}`];
  const kwargs = (parts.run?.template.chat_template_kwargs ?? {}) as JsonObject;
  const found = template && findFormat(template, tokenizer, kwargs);
  if (found !== undefined) lines.push(`TEMPLATE """${found.format.template}"""`);
  else if (template !== undefined) {
    notes.push(
      "the chat template is none that is known in Ollama's language: Ollama goes by the one in the GGUF file, as far as it knows it",
    );
  }
  for (const id of stopTokens(model.folder, tokenizer, template)) {
    const token = tokenizer.token(id);
    if (token !== undefined) lines.push(`PARAMETER stop ${JSON.stringify(token)}`);
  }
  const system = parts.run?.template.system ?? found?.system;
  if (system?.includes('"""')) notes.push('the system message is left out of the Modelfile: it has """ in it');
  else if (system) lines.push(`SYSTEM """${system}"""`);
  return { text: `${lines.join("\n")}\n`, notes };
}

/** The format that gives what the template gives, and the system message that the template puts in by itself. */
function findFormat(
  template: ChatTemplate,
  tokenizer: Tokenizer,
  kwargs: JsonObject,
): { format: ChatFormat; system: string | undefined } | undefined {
  // llama.cpp puts the token for the beginning there itself.
  const bos = tokenizer.bosId === undefined ? "" : (tokenizer.token(tokenizer.bosId) ?? "");
  const rendered = (messages: readonly Message[]): string | undefined => {
    try {
      const text = template.render(messages, { addGenerationPrompt: true, kwargs });
      return bos !== "" && text.startsWith(bos) ? text.slice(bos.length) : text;
    } catch (error) {
      // Some templates refuse a system message.
      if (error instanceof UserError) return undefined;
      throw error;
    }
  };
  const plain = rendered(CONVERSATION);
  const system: Message = { role: "system", content: SENTINEL };
  const withSystem = rendered([system, ...CONVERSATION]);
  if (plain === undefined) return undefined;
  for (const format of formats) {
    const expected = format.render([system, ...CONVERSATION]);
    if (withSystem !== undefined && withSystem !== expected) continue;
    if (plain === format.render(CONVERSATION)) return { format, system: undefined };
    const [before, after] = expected.split(SENTINEL) as [string, string];
    if (withSystem !== undefined && plain.startsWith(before) && plain.endsWith(after)) {
      return { format, system: plain.slice(before.length, plain.length - after.length) };
    }
  }
  return undefined;
}
