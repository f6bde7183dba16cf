/** The functions of a source file, by a parser. */
import { createRequire } from "node:module";
import { Language as Grammar, type Node, Parser, type Tree, type TreeCursor } from "web-tree-sitter";
import { messageOf, UserError } from "../../../base/errors.ts";
import type { Language } from "./language.ts";

/** A function with the lines that it stands on. */
export interface TextUnit {
  /** With the names of what it is in: `Shop.pay`. */
  readonly name: string;
  /** From 1. */
  readonly startLine: number;
  /** Included. */
  readonly endLine: number;
  /** Indented as if it stood at the beginning of its line. */
  readonly text: string;
}

export interface SplitText {
  /** In the order of the text. */
  readonly units: readonly TextUnit[];
  /** Where it is no valid program: the line of the first error. */
  readonly errorLine: number | undefined;
}

/** A parser takes a millisecond for a page; what takes this long, in ms, is no program. */
const LONGEST_PARSE = 10_000;

const locate = createRequire(import.meta.url);
const parsers = new Map<Language, Promise<Parser>>();

/**
 * What parses is found also where something else does not.
 * @throws UserError when the parser gives up
 */
export async function splitFunctions(text: string, language: Language): Promise<SplitText> {
  const parser = await parserOf(language);
  const tree = parse(parser, text, language);
  try {
    const cursor = tree.walk();
    const units = unitsAt(cursor, text, language);
    cursor.delete();
    const { rootNode } = tree;
    return { units, errorLine: rootNode.hasError ? firstError(rootNode) : undefined };
  } finally {
    tree.delete();
  }
}

function parserOf(language: Language): Promise<Parser> {
  const known = parsers.get(language) ?? openParser(language);
  parsers.set(language, known);
  return known;
}

async function openParser({ grammar }: Language): Promise<Parser> {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Grammar.load(locate.resolve(grammar)));
  return parser;
}

function parse(parser: Parser, text: string, language: Language): Tree {
  const began = performance.now();
  const give = (reason: string): UserError =>
    new UserError({ code: "units/no-parse", message: `the ${language.name} parser gives up: ${reason}` });
  let tree: Tree | null;
  try {
    tree = parser.parse(text, null, { progressCallback: () => performance.now() - began > LONGEST_PARSE });
  } catch (error) {
    // Its memory may be in any state.
    parsers.delete(language);
    throw give(messageOf(error));
  }
  if (tree !== null) return tree;
  parser.reset();
  throw give(`it takes more than ${LONGEST_PARSE / 1000} s`);
}

/** Goes through the tree without recursion, as programs may be nested more deeply than a stack is. */
function unitsAt(cursor: TreeCursor, text: string, { functions, scopes, nameOf }: Language): TextUnit[] {
  const [isFunction, isScope] = [new Set(functions), new Set(scopes)];
  const units: TextUnit[] = [];
  /** Names of the scopes around, undefined for nodes that are none, from the root on. */
  const path: (string | undefined)[] = [];
  for (;;) {
    const { nodeType } = cursor;
    const node = isFunction.has(nodeType) || isScope.has(nodeType) ? cursor.currentNode : undefined;
    const unit = node && isFunction.has(nodeType) && hasBody(node) ? node : undefined;
    if (unit) units.push(unitOf(unit, text, [...path.filter((name) => name !== undefined), nameOf(unit)].join(".")));
    if (!unit && cursor.gotoFirstChild()) {
      path.push(node && isScope.has(nodeType) ? node.childForFieldName("name")?.text : undefined);
      continue;
    }
    while (!cursor.gotoNextSibling()) {
      if (!cursor.gotoParent()) return units;
      path.pop();
    }
  }
}

/** A static initializer has its block as a child without a field. */
function hasBody(node: Node): boolean {
  return node.childForFieldName("body") !== null || node.namedChildren.some((child) => child?.type === "block");
}

function unitOf(node: Node, text: string, name: string): TextUnit {
  const { startIndex, endIndex, startPosition, endPosition } = node;
  const lineStart = text.lastIndexOf("\n", startIndex - 1) + 1;
  const indent = /^[ \t]*/.exec(text.slice(lineStart, startIndex))![0];
  const own = text.slice(startIndex, endIndex);
  return {
    name,
    startLine: startPosition.row + 1,
    endLine: endPosition.row + 1,
    text: indent === "" ? own : own.replaceAll(`\n${indent}`, "\n"),
  };
}

function firstError(root: Node): number {
  let node = root;
  for (;;) {
    if (node.isError || node.isMissing) return node.startPosition.row + 1;
    const next = node.children.find((child) => child !== null && (child.hasError || child.isMissing));
    if (!next) return node.startPosition.row + 1;
    node = next;
  }
}
