import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import { messageOf, UserError, UserErrors } from "../errors.ts";

/** A recipe is a page of text. The YAML parser's time grows with the square of the number of keys. */
const maxRecipeLength = 64 * 1024;
/** Uses of `*alias`; a handful is plenty, and nested aliases grow without bound ("billion laughs"). */
const maxAliases = 100;

export type OptionPath = readonly PropertyKey[];

/** A value to lay over a recipe, and where it is from. */
export interface LaidValue {
  /** `training.learning_rate` */
  readonly option: string;
  readonly value: unknown;
  readonly where: string;
}

/** A parsed recipe with values laid over it, which can say where each value was written. */
export class RecipeSource {
  readonly name: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #sets: { readonly path: readonly string[]; readonly text: string }[] = [];

  private constructor(name: string, document: Document, lines: LineCounter) {
    this.name = name;
    this.#document = document;
    this.#lines = lines;
  }

  /**
   * Parse YAML 1.2 text.
   * @param name what errors call the text, normally the file's path
   * @param kind what errors say that the text should be
   * @throws UserErrors for everything the YAML parser objects to
   */
  static parse(text: string, name: string, kind = "recipe"): RecipeSource {
    if (text.length > maxRecipeLength) {
      throw new UserError({
        code: "recipe/too-large",
        message: `a ${kind} has at most ${maxRecipeLength} characters; this one has ${text.length}`,
        where: name,
        fix: kind === "recipe" ? "a recipe only names the data; the data itself stays in files of its own" : undefined,
      });
    }
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
    const problems = [...document.errors, ...document.warnings];
    if (problems.length > 0) {
      const errors = problems.slice(0, 20).map((problem) => {
        const { line, col } = lines.linePos(problem.pos[0]);
        return new UserError({
          code: "recipe/yaml",
          message:
            problem.code === "MULTIPLE_DOCS"
              ? `a ${kind} is one YAML document; a second one starts here`
              : problem.message.replace(/\s+/g, " ").trim(),
          where: `${name}:${line}:${col}`,
        });
      });
      throw new UserErrors("recipe/yaml", `${name} is not valid YAML`, errors);
    }
    if (document.contents !== null && !isMap(document.contents)) {
      throw new UserError({
        code: "recipe/not-a-map",
        message:
          kind === "recipe" ? "a recipe is a map of options, such as `base: models/my-model`" : `a ${kind} is a map`,
        where: `${name}:1:1`,
      });
    }
    return new RecipeSource(name, document, lines);
  }

  /** Lay one `a.b=c` over the recipe; `c` is read as YAML. @throws UserError naming the `--set` */
  set(assignment: string): void {
    const where = `--set ${assignment.length > 80 ? `${assignment.slice(0, 80)}…` : assignment}`;
    const equals = assignment.indexOf("=");
    const path = assignment.slice(0, Math.max(0, equals)).split(".");
    if (path.some((key) => !/^[\w-]+$/.test(key))) {
      throw new UserError({
        code: "recipe/set",
        message: "a --set is an option, an equals sign and a value",
        where,
        fix: "write it like --set training.learning_rate=1e-4",
      });
    }
    this.#lay(path, parseSetValue(assignment.slice(equals + 1), where), where);
  }

  /** Lay a value over the recipe. @throws UserError naming the place that it is from */
  lay({ option, value, where }: LaidValue): void {
    const path = option.split(".");
    if (path.some((key) => !/^[\w-]+$/.test(key))) {
      const message = `"${option}" is no option of a recipe`;
      throw new UserError({ code: "recipe/set", message, where, fix: "write it like training.learning_rate" });
    }
    this.#lay(path, value, where);
  }

  #lay(path: readonly string[], value: unknown, where: string): void {
    try {
      for (let length = 1; length < path.length; length++) {
        // A section that is written but empty (`training:`) is null, which `setIn` would refuse to enter.
        const section = this.#document.getIn(path.slice(0, length), true);
        if (isScalar(section) && section.value === null) this.#document.deleteIn(path.slice(0, length));
      }
      this.#document.setIn(path, value === null ? null : this.#document.createNode(value));
    } catch (error) {
      throw new UserError({
        code: "recipe/set",
        message: `${path.slice(0, -1).join(".")} holds no options that could be set`,
        where,
        cause: error,
      });
    }
    this.#sets.push({ path, text: where });
  }

  /** The options as plain data; aliases are followed up to a limit. @throws UserError */
  toData(): Record<string, unknown> {
    try {
      const data: unknown = this.#document.toJS({ maxAliasCount: maxAliases });
      JSON.stringify(data); // refuses an alias that contains itself
      return (data ?? {}) as Record<string, unknown>;
    } catch (error) {
      throw new UserError({
        code: "recipe/aliases",
        message: `YAML aliases that cannot be followed: ${messageOf(error).split("\n")[0]}`,
        where: this.name,
        fix: "write the values out",
        cause: error,
      });
    }
  }

  /** `file:line:column` of an option, or the `--set` it came from; of the nearest enclosing one when it is absent. */
  where(path: OptionPath, at: "key" | "value" = "value"): string {
    for (const set of this.#sets.toReversed()) {
      const shared = set.path.slice(0, path.length).every((key, i) => key === String(path[i]));
      if (shared && (set.path.length <= path.length || this.#offset(path, at) === undefined)) return set.text;
    }
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offset(path.slice(0, length), length < path.length ? "key" : at);
      if (offset === undefined) continue;
      const { line, col } = this.#lines.linePos(offset);
      return `${this.name}:${line}:${col}`;
    }
    return this.name;
  }

  /** Whether an option was laid over the recipe. */
  isSet(path: OptionPath): boolean {
    const where = this.where(path);
    return this.#sets.some(({ text }) => text === where);
  }

  /** Character offset of a key or its value, undefined when the text does not have it. */
  #offset(path: OptionPath, at: "key" | "value"): number | undefined {
    let node: Node | null = this.#document.contents;
    let keyOffset: number | undefined;
    for (const key of path) {
      if (isAlias(node)) node = node.resolve(this.#document) ?? null;
      if (!isCollection(node)) return undefined;
      if (isMap(node)) {
        const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(key));
        if (pair === undefined) return undefined;
        keyOffset = isNode(pair.key) ? pair.key.range?.[0] : undefined;
        node = isNode(pair.value) ? pair.value : null;
      } else {
        node = (node.get(key, true) as Node | undefined) ?? null;
        keyOffset = node?.range?.[0];
      }
    }
    return at === "key" ? keyOffset : (node?.range?.[0] ?? keyOffset);
  }
}

function parseSetValue(text: string, where: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, version: "1.2" });
  const problem = document.errors[0];
  try {
    if (problem !== undefined) throw problem;
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    throw new UserError({
      code: "recipe/set",
      message: `the value is not valid YAML: ${messageOf(error).replace(/\s+/g, " ").trim()}`,
      where,
      fix: "put text with special characters between quotes",
      cause: error,
    });
  }
}
