/**
 * What a chat template asks about the contents of messages, besides printing them. Where all its questions have the same
 * answers for two conversations, it prints the same around their contents, and need not be run for the second.
 */
import { ContentNames, joined, type Kind, refuse, Unclear } from "./content-names.ts";
import { ContentQuestions, type ContentUse } from "./content-questions.ts";
import type { TemplateNode } from "./template-node.ts";

/**
 * The questions of a parsed template, collected from all of it, whichever parts a conversation goes through. Names are
 * followed through assignments, loops and macros, without regard to their scope.
 * @param program changed: each expression that uses contents in a way that is not known to be harmless is replaced by
 *   an error, so that rendering tells whether a conversation comes past it
 * @returns undefined for a template that is not understood at all
 */
export function contentUse(program: unknown): ContentUse | undefined {
  const reader = new UseReader();
  try {
    return reader.read(program as TemplateNode);
  } catch (error) {
    if (error instanceof Unclear) return undefined;
    throw error;
  }
}

class UseReader {
  readonly #names = new ContentNames();
  readonly #questions = new ContentQuestions(this.#names);

  read(program: TemplateNode): ContentUse {
    // A name may get its kind after its first use, in a loop or a macro.
    do this.#visit(program);
    while (this.#names.haveChanged());
    return this.#questions;
  }

  /** A statement, or an expression that is printed. */
  #visit(node: TemplateNode): void {
    switch (node.type) {
      case "Program":
        this.#visitAll(node.body);
        break;
      case "Comment":
      case "Break":
      case "Continue":
        return;
      case "If":
        this.#questions.kind(node.test);
        this.#visitAll(node.body);
        this.#visitAll(node.alternate);
        break;
      case "For":
        this.#visitFor(node);
        break;
      case "Set":
        this.#visitAll(node.value === null ? node.body : []);
        this.#assign(
          node.assignee,
          node.value === null ? "composed" : this.#questions.kind(node.value as TemplateNode),
        );
        break;
      case "Macro":
        this.#questions.addMacro(node.name.value as string, node.args);
        for (const parameter of node.args) this.#assign(parameter, "other");
        this.#visitAll(node.body);
        break;
      default:
        if (this.#questions.kind(node) === "holder") refuse(node);
    }
  }

  #visitAll(nodes: readonly TemplateNode[]): void {
    for (const node of nodes) this.#visit(node);
  }

  #visitFor({ loopvar, iterable, body, defaultBlock }: TemplateNode): void {
    const isFiltered = iterable.type === "SelectExpression";
    const kind = this.#questions.kind(isFiltered ? iterable.lhs : iterable);
    // A loop over a text is an error, whatever the text: what is here is not gone through for one.
    this.#assign(loopvar, kind === "content" ? "composed" : kind);
    if (isFiltered) this.#questions.kind(iterable.test);
    this.#visitAll(body);
    this.#visitAll(defaultBlock);
  }

  #assign(target: TemplateNode, kind: Kind): void {
    if (target.type === "Identifier") this.#names.set(target.value as string, kind);
    else if (target.type === "MemberExpression" && !target.computed) this.#names.set(`.${target.property.value}`, kind);
    else if (target.type === "KeywordArgumentExpression") {
      this.#assign(target.key, joined(kind, this.#questions.kind(target.value as TemplateNode)));
    } else if (target.type === "TupleLiteral" && kind === "other") {
      for (const part of target.value as readonly TemplateNode[]) this.#assign(part, kind);
    } else throw new Unclear();
  }
}
