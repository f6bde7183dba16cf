/** Which names of a chat template stand for contents of messages. */
import type { TemplateNode } from "./template-node.ts";

/**
 * What an expression may stand for: `content` of a message as it is, a text `composed` of contents and others, the
 * messages or one of them (`holder`), or something that does not depend on what is said.
 */
export type Kind = "other" | "content" | "composed" | "holder";

/** The template does something with contents of which this file does not know that it is harmless. */
export class Unclear extends Error {}

/** Kinds by name; members of objects begin with a dot. A name that is assigned several times has one kind for all. */
export class ContentNames {
  readonly #kinds = new Map<string, Kind>([
    ["messages", "holder"],
    [".previtem", "holder"],
    [".nextitem", "holder"],
  ]);
  #changed = false;
  #haveMembers = false;

  /** Whether a member of an object that the template made stands for a content. */
  get haveMembers(): boolean {
    return this.#haveMembers;
  }

  get(name: string): Kind {
    return this.#kinds.get(name) ?? "other";
  }

  set(name: string, kind: Kind): void {
    const now = joined(this.get(name), kind);
    if (now === this.get(name)) return;
    this.#kinds.set(name, now);
    this.#haveMembers ||= name.startsWith(".");
    this.#changed = true;
  }

  /** Whether a name got another kind since this was asked. */
  haveChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }
}

/** Makes an expression an error. */
export function refuse(node: TemplateNode): void {
  for (const key of Object.keys(node)) Reflect.deleteProperty(node, key);
  const callee = { type: "Identifier", value: "raise_exception" };
  Object.assign(node, { type: "CallExpression", callee, args: [{ type: "StringLiteral", value: "not harmless" }] });
}

/** What may be either. @throws Unclear when a text and messages have the same name */
export function joined(a: Kind, b: Kind): Kind {
  if (a === b || b === "other") return a;
  if (a === "other") return b;
  if (a === "holder" || b === "holder") throw new Unclear();
  return "composed";
}
