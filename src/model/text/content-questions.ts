/** The expressions of a chat template: what they stand for, and what they ask about contents of messages. */
import { type ContentNames, joined, type Kind, refuse, Unclear } from "./content-names.ts";
import { WHITESPACE } from "./template-functions.ts";
import type { TemplateNode } from "./template-node.ts";

/** Conditions under which a template treats a content as it treats any other that meets them. */
export interface ContentUse {
  /** No content may hold one of these: the template looks for them. */
  readonly contained: ReadonlySet<string>;
  /** No content may be one of these: the template compares with them. */
  readonly equal: ReadonlySet<string>;
  /** No content may begin or end with one of these characters: the template strips them. */
  readonly edges: ReadonlySet<string>;
}

/** Tests that ask what kind of value something is. */
const typeTests = new Set(["string", "defined", "undefined", "none", "mapping", "iterable", "sequence", "number"]);
/** Filters that pick from a list of messages or count it. */
const pickingFilters = new Set(["first", "last", "list", "reverse"]);
const strippers = new Set(["python_strip", "python_lstrip", "python_rstrip"]);

/** Collects the questions of the expressions that it is shown. */
export class ContentQuestions implements ContentUse {
  readonly contained: Set<string> = new Set();
  readonly equal: Set<string> = new Set();
  readonly edges: Set<string> = new Set();
  readonly #names: ContentNames;
  readonly #macros = new Map<string, readonly TemplateNode[]>();

  constructor(names: ContentNames) {
    this.#names = names;
  }

  addMacro(name: string, parameters: readonly TemplateNode[]): void {
    this.#macros.set(name, parameters);
  }

  /** What an expression may stand for; one whose use of contents is not known to be harmless is made an error. */
  kind(node: TemplateNode): Kind {
    try {
      return this.#kindOf(node);
    } catch (error) {
      if (!(error instanceof Unclear)) throw error;
      refuse(node);
      return "other";
    }
  }

  #kindOf(node: TemplateNode): Kind {
    switch (node.type) {
      case "StringLiteral":
      case "IntegerLiteral":
      case "FloatLiteral":
        return "other";
      case "Identifier":
        return this.#names.get(node.value as string);
      case "ArrayLiteral":
      case "TupleLiteral":
        for (const member of node.value as readonly TemplateNode[]) this.#expect(member, "other");
        return "other";
      case "ObjectLiteral":
        for (const pair of node.value as ReadonlyMap<TemplateNode, TemplateNode>)
          for (const part of pair) this.#expect(part, "other");
        return "other";
      case "MemberExpression":
        return this.#memberKind(node);
      case "TestExpression":
        if (this.kind(node.operand) !== "other" && !typeTests.has(node.test.value as string)) throw new Unclear();
        return "other";
      case "UnaryExpression":
        this.kind(node.argument);
        // Contents are not blank, hence all alike as truth values.
        if (node.operator.value !== "not") this.#expect(node.argument, "other");
        return "other";
      case "Ternary":
        this.kind(node.condition);
        return joined(this.kind(node.trueExpr), this.kind(node.falseExpr));
      case "SelectExpression":
        this.kind(node.test);
        return this.kind(node.lhs);
      case "BinaryExpression":
        return this.#binaryKind(node);
      case "FilterExpression":
        return this.#filterKind(node);
      case "CallExpression":
        return this.#callKind(node);
      default:
        throw new Unclear();
    }
  }

  #memberKind({ object, property, computed }: TemplateNode): Kind {
    if (
      object.type === "CallExpression" &&
      object.callee.type === "MemberExpression" &&
      object.callee.property.value === "split"
    ) {
      return this.#splitKind(object);
    }
    const kind = this.kind(object);
    const key = computed ? (property.type === "StringLiteral" ? property.value : undefined) : property.value;
    if (kind === "content" || kind === "composed") throw new Unclear();
    if (kind === "holder") {
      if (typeof key === "string") return key === "content" ? "content" : "other";
      if (property.type === "SliceExpression") return "holder";
      if (this.#isNumber(property)) return "holder";
      throw new Unclear();
    }
    if (typeof key === "string") return this.#names.get(`.${key}`);
    if (property.type === "SliceExpression" || this.#isNumber(property)) return "other";
    // A member by a name that is not known before may be one that has a content.
    if (this.#names.haveMembers) throw new Unclear();
    this.#expect(property, "other");
    return "other";
  }

  /** What can only be a place in a list, never the name of a member. */
  #isNumber(node: TemplateNode): boolean {
    if (node.type === "IntegerLiteral" || node.type === "FloatLiteral") return true;
    if (node.type === "UnaryExpression") return node.operator.value === "-";
    if (node.type === "BinaryExpression")
      return (
        ["-", "*", "%"].includes(node.operator.value) || (node.operator.value === "+" && this.#isNumber(node.right))
      );
    return (
      node.type === "MemberExpression" && /^index0?$/.test(String(node.property.value)) && node.object.value === "loop"
    );
  }

  #binaryKind({ left, operator, right }: TemplateNode): Kind {
    const kinds = [this.kind(left), this.kind(right)] as const;
    const touches = kinds.some((kind) => kind !== "other");
    switch (operator.value) {
      case "and":
      case "or":
        return joined(...kinds);
      case "+":
      case "~":
        if (kinds.includes("holder")) throw new Unclear();
        return touches ? "composed" : "other";
      case "==":
      case "!=":
        if (touches)
          for (const side of [left, right])
            if (this.kind(side) !== "other") this.#compare(side, [side === left ? right : left]);
        return "other";
      case "in":
      case "not in":
        if (touches) this.#membership(left, right);
        return "other";
      default:
        if (touches) throw new Unclear();
        return "other";
    }
  }

  #membership(member: TemplateNode, container: TemplateNode): void {
    const kind = this.kind(container);
    if (kind === "holder" && member.type === "StringLiteral") return;
    if (kind === "content" && member.type === "StringLiteral") this.contained.add(member.value as string);
    else if (kind === "other" && (container.type === "ArrayLiteral" || container.type === "TupleLiteral"))
      this.#compare(member, container.value as readonly TemplateNode[]);
    else throw new Unclear();
  }

  #compare(content: TemplateNode, others: readonly TemplateNode[]): void {
    if (this.kind(content) !== "content") throw new Unclear();
    for (const other of others) {
      if (other.type === "StringLiteral") this.equal.add(other.value as string);
      // `none`, `true` and the like are no texts.
      else if (other.type !== "Identifier" || !/^(none|true|false)$/i.test(other.value as string)) throw new Unclear();
    }
  }

  #filterKind({ operand, filter }: TemplateNode): Kind {
    const kind = this.kind(operand);
    const isPlain = filter.type === "Identifier";
    const name = (isPlain ? filter.value : filter.callee.value) as string;
    if (!isPlain) for (const argument of filter.args) this.#expect(argument, "other");
    if (kind === "other") return "other";
    if (kind === "holder" && isPlain && (name === "length" || name === "count")) return "other";
    if (kind === "holder" && isPlain && pickingFilters.has(name)) return "holder";
    if (kind !== "holder" && isPlain && name === "trim") return this.#stripped([operand]);
    if (kind !== "holder" && isPlain && (name === "safe" || name === "string")) return kind;
    throw new Unclear();
  }

  #callKind({ callee, args }: TemplateNode): Kind {
    if (callee.type === "Identifier") {
      const name = callee.value as string;
      const parameters = this.#macros.get(name);
      if (strippers.has(name)) return this.#stripped(args);
      if (parameters !== undefined) return this.#called(parameters, args);
      // A template that ends with an error is not gone on with, whatever the error says.
      for (const argument of args) if (name !== "raise_exception") this.#expect(argument, "other");
      return "other";
    }
    if (callee.type !== "MemberExpression") throw new Unclear();
    const method = callee.property.value as string;
    for (const argument of args) this.#expect(argument, "other");
    if (this.kind(callee.object) === "other") return "other";
    if (method === "startswith" || method === "endswith") this.#seek(callee.object, args);
    else throw new Unclear();
    return "other";
  }

  /** Of `content.split("…")[i]`: as no content holds the separator, the list has one member. */
  #splitKind({ callee, args }: TemplateNode): Kind {
    for (const argument of args) this.#expect(argument, "other");
    if (this.kind(callee.object) === "other") return "other";
    this.#seek(callee.object, args);
    return "content";
  }

  #seek(content: TemplateNode, [sought]: readonly TemplateNode[]): void {
    if (this.kind(content) !== "content" || sought?.type !== "StringLiteral" || sought.value === "")
      throw new Unclear();
    this.contained.add(sought.value as string);
  }

  /** A macro's parameters are what any call gives it. */
  #called(parameters: readonly TemplateNode[], args: readonly TemplateNode[]): Kind {
    for (const [i, argument] of args.entries()) {
      const named = argument.type === "KeywordArgumentExpression";
      const kind = this.kind(named ? (argument.value as TemplateNode) : argument);
      const parameter = named ? argument.key : parameters[i];
      if (parameter === undefined) throw new Unclear();
      this.#names.set((parameter.type === "Identifier" ? parameter : parameter.key).value as string, kind);
    }
    return "composed";
  }

  #stripped([text, characters]: readonly TemplateNode[]): Kind {
    if (text === undefined || (characters !== undefined && characters.type !== "StringLiteral")) throw new Unclear();
    const kind = this.kind(text);
    if (kind === "holder") throw new Unclear();
    if (kind !== "other")
      for (const character of (characters?.value as string | undefined) ?? `${WHITESPACE}\ufeff`)
        this.edges.add(character);
    return kind;
  }

  #expect(node: TemplateNode, kind: Kind): void {
    const value = node.type === "KeywordArgumentExpression" ? (node.value as TemplateNode) : node;
    if (this.kind(value) !== kind) throw new Unclear();
  }
}
