import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { messageOf, UserError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, readTextFile } from "../files/json-file.ts";
import type { ContentUse } from "./content-questions.ts";
import { contentUse } from "./content-use.ts";
import { ownFunctions, useOwnFunctions } from "./template-functions.ts";
import { TemplateOutline } from "./template-outline.ts";
import { readTokenizerConfig, tokenContent } from "./tokenizer.ts";

const MAX_TEMPLATE_BYTES = 2 ** 20;
/** Conversations of more kinds than this have long ones among them, whose outlines hardly repeat. */
const MAX_OUTLINES = 256;
const noVariables: Readonly<JsonObject> = {};
const TEMPLATE_FILE = "chat_template.jinja";

/** One turn of a conversation, as chat templates read it; further keys (`tool_calls`, `reasoning_content`) pass through. */
export interface Message {
  readonly role: string;
  readonly content: string;
  readonly [key: string]: JsonValue | undefined;
}

export interface RenderOptions {
  /** End with what opens the assistant's answer. */
  readonly addGenerationPrompt?: boolean;
  /** Variables for the template: `enable_thinking`, `tools`, `date_string`, ... */
  readonly kwargs?: Readonly<JsonObject>;
}

/** A model's Jinja chat template: messages to the text the model was trained on. */
export class ChatTemplate {
  readonly source: string;
  /** The file, and the key inside it: what errors name. */
  readonly where: string;
  /** SHA-256 of the source, in hex: two runs with equal hashes rendered alike. */
  readonly hash: string;
  readonly specialTokens: Readonly<Record<string, string>>;
  readonly now: Date;
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, unknown>>;
  /** The template with an error wherever contents are used in a way that `#use` does not say. */
  readonly #marking: Template;
  readonly #use: ContentUse | undefined;
  /** By variables and roles; `seen` is one for which looking for an outline has not paid yet. */
  readonly #outlines = new WeakMap<object, Map<string, TemplateOutline | "seen" | "none">>();

  /**
   * @param specialTokens `bos_token`, `eos_token`, ... as template variables.
   * @param now the date that `strftime_now` tells; fixed, so that all rows of a run are rendered alike.
   * @throws UserError when the template cannot be parsed.
   */
  constructor(source: string, where: string, specialTokens: Readonly<Record<string, string>>, now: Date) {
    this.source = source;
    this.where = where;
    this.specialTokens = specialTokens;
    this.now = now;
    this.hash = createHash("sha256").update(source).digest("hex");
    this.#variables = { ...specialTokens, ...ownFunctions(now) };
    try {
      this.#template = new Template(source);
      useOwnFunctions(this.#template);
      this.#marking = new Template(source);
      useOwnFunctions(this.#marking);
      this.#use = contentUse(this.#marking.parsed);
    } catch (error) {
      throw this.#error("cannot be parsed", error);
    }
  }

  /** True when the text depends on the day it is rendered, unless the template is given a date. */
  get usesDate(): boolean {
    return this.source.includes("strftime_now");
  }

  /** @throws UserError when the template refuses the messages or fails. */
  render(messages: readonly Message[], options: RenderOptions = {}): string {
    return this.#outline(messages, options)?.fill(messages) ?? this.#run(this.#template, messages, options);
  }

  #run(
    template: Template,
    messages: readonly Message[],
    { addGenerationPrompt = false, kwargs = noVariables }: RenderOptions,
  ): string {
    try {
      return template.render({
        ...this.#variables,
        messages,
        add_generation_prompt: addGenerationPrompt,
        ...kwargs,
      });
    } catch (error) {
      throw this.#error("refuses this conversation", error);
    }
  }

  /** What is printed around the contents of plain conversations with these roles, from the second of them on. */
  #outline(messages: readonly Message[], options: RenderOptions): TemplateOutline | undefined {
    if (this.#use === undefined || !messages.every(isPlain)) return undefined;
    const { addGenerationPrompt = false, kwargs = noVariables } = options;
    const known = this.#outlines.get(kwargs) ?? new Map<string, TemplateOutline | "seen" | "none">();
    if (known.size === 0) this.#outlines.set(kwargs, known);
    let roles = String(addGenerationPrompt);
    for (const { role } of messages) roles += ` ${role.length} ${role}`;
    let outline = known.get(roles);
    if (outline === undefined) {
      if (known.size >= MAX_OUTLINES) known.clear();
      known.set(roles, "seen");
    } else if (outline === "seen") {
      outline = this.#findOutline(this.#use, messages, options) ?? "none";
      known.set(roles, outline);
    }
    return typeof outline === "object" ? outline : undefined;
  }

  #findOutline(use: ContentUse, messages: readonly Message[], options: RenderOptions): TemplateOutline | undefined {
    try {
      const mark = (marked: readonly Message[]): string => this.#run(this.#marking, marked, options);
      return TemplateOutline.find(use, messages, mark, (own) => this.#run(this.#template, own, options));
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }

  #error(what: string, error: unknown): UserError {
    const reason = messageOf(error);
    // The library tells no line. A message of the template's own stands in it literally; an unclosed block runs out of tokens.
    const at = reason === "" ? -1 : this.source.indexOf(reason);
    const line = at < 0 ? "" : ` line ${this.source.slice(0, at).split("\n").length}`;
    const shown = error instanceof TypeError && what === "cannot be parsed" ? "it ends inside an open block" : reason;
    return new UserError({
      code: "chat/template",
      message: `the chat template ${what}: ${shown}`,
      where: `${this.where}${line}`,
      fix: "change the messages or the template",
      cause: error,
    });
  }
}

function isPlain(message: Message): boolean {
  return typeof message.content === "string" && typeof message.role === "string" && Object.keys(message).length === 2;
}

export interface LoadChatTemplateOptions {
  /** What `strftime_now` tells; the moment of loading by default. */
  readonly now?: Date;
}

/**
 * Loads a model's chat template, as `loadChatTemplateIfAny` does.
 * @throws UserError when there is none, or it cannot be parsed.
 */
export function loadChatTemplate(folder: string, options: LoadChatTemplateOptions = {}): ChatTemplate {
  const template = loadChatTemplateIfAny(folder, options);
  if (template !== undefined) return template;
  throw new UserError({
    code: "chat/no-template",
    message: "the model has no chat template",
    where: folder,
    fix: `use an instruction-tuned model, or put its template into ${TEMPLATE_FILE} in the model's folder`,
  });
}

/**
 * The chat template of a model's folder: `chat_template.jinja`, otherwise `chat_template` of tokenizer_config.json (a
 * string, or a list of named templates of which "default" is taken). Undefined for a model without one, which can still
 * be taught plain text.
 * @throws UserError when it cannot be parsed.
 */
export function loadChatTemplateIfAny(
  folder: string,
  { now = new Date() }: LoadChatTemplateOptions = {},
): ChatTemplate | undefined {
  const config = readTokenizerConfig(folder);
  const path = join(folder, TEMPLATE_FILE);
  const variables = specialTokens(config);
  if (existsSync(path)) return new ChatTemplate(readTextFile(path, MAX_TEMPLATE_BYTES), path, variables, now);
  const source = templateOf(config.chat_template);
  const where = `${join(folder, "tokenizer_config.json")}: chat_template`;
  return source === undefined ? undefined : new ChatTemplate(source, where, variables, now);
}

function templateOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = value.find((entry) => isJsonObject(entry) && entry.name === "default");
  return isJsonObject(named) && typeof named.template === "string" ? named.template : undefined;
}

function specialTokens(config: JsonObject): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    const content = key.endsWith("_token") ? tokenContent(value) : undefined;
    if (content !== undefined) tokens[key] = content;
  }
  return tokens;
}
