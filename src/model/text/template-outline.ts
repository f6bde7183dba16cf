import type { ContentUse } from "./content-questions.ts";

interface Said {
  readonly content: string;
}

/** What a template prints around the contents of conversations with the same roles. */
export class TemplateOutline {
  readonly #use: ContentUse;
  /** Literal text and indices of messages in turn: literal, index, literal, …, literal. */
  readonly #parts: readonly (string | number)[];

  private constructor(use: ContentUse, parts: readonly (string | number)[]) {
    this.#use = use;
    this.#parts = parts;
  }

  /**
   * @param messages any with these roles
   * @param mark runs the template that `contentUse` has changed
   * @param render runs the template itself
   * @returns undefined when contents are used in a way that is not known to be harmless
   * @throws what the templates throw
   */
  static find<M extends Said>(
    use: ContentUse,
    messages: readonly M[],
    mark: (messages: readonly M[]) => string,
    render: (messages: readonly M[]) => string,
  ): TemplateOutline | undefined {
    const marked = messages.map((message, i) => ({ ...message, content: `\ue000${i}\ue001` }));
    if (marked.some(({ content }) => !isUsual(content, use))) return undefined;
    const parts = mark(marked)
      .split(/\ue000(\d+)\ue001/)
      .map((part, i) => (i % 2 === 0 ? part : Number(part)));
    const outline = new TemplateOutline(use, parts);
    // The rules of content-use.ts say that this holds; a template that broke them would teach wrong texts unseen.
    const text = outline.fill(messages);
    return text === undefined || text === render(messages) ? outline : undefined;
  }

  /** The rendered conversation; undefined when a content is one of those that the template may treat otherwise. */
  fill(messages: readonly Said[]): string | undefined {
    for (const { content } of messages) if (!isUsual(content, this.#use)) return undefined;
    let text = this.#parts[0] as string;
    for (let i = 1; i < this.#parts.length; i += 2) {
      text += messages[this.#parts[i] as number]!.content + (this.#parts[i + 1] as string);
    }
    return text;
  }
}

/** Whether the template answers all its questions about a content as it does for other usual ones. */
function isUsual(content: string, { contained, equal, edges }: ContentUse): boolean {
  if (content === "" || equal.has(content)) return false;
  if (edges.size > 0 && (edges.has(content[0]!) || edges.has(content.at(-1)!))) return false;
  for (const sought of contained) if (content.includes(sought)) return false;
  return true;
}
