import type { Node } from "web-tree-sitter";

/** A programming language whose files are split into functions: one file each, and a line in `languages.ts`. */
export interface Language {
  readonly name: string;
  /** Of file names, with the dot. */
  readonly endings: readonly string[];
  /** A grammar of tree-sitter as a module's path, compiled to WebAssembly. */
  readonly grammar: string;
  /** Node types that a function's name is qualified by, such as classes. */
  readonly scopes: readonly string[];
  /** Node types that are functions, where they have a body; what is inside of one belongs to it. */
  readonly functions: readonly string[];
  /** What a function is called, without its scopes. */
  readonly nameOf: (node: Node) => string;
}

/** What stands in the node's field `name`; otherwise its first word. */
export function declaredName(node: Node): string {
  return node.childForFieldName("name")?.text ?? /^\w*/.exec(node.text)![0];
}
