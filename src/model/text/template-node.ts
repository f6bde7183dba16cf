/** A node of a parsed chat template; which members are there depends on its type. */
export interface TemplateNode {
  readonly type: string;
  readonly body: readonly TemplateNode[];
  readonly alternate: readonly TemplateNode[];
  readonly defaultBlock: readonly TemplateNode[];
  readonly args: readonly TemplateNode[];
  readonly test: TemplateNode;
  readonly loopvar: TemplateNode;
  readonly iterable: TemplateNode;
  readonly assignee: TemplateNode;
  readonly name: TemplateNode;
  readonly key: TemplateNode;
  readonly operand: TemplateNode;
  readonly argument: TemplateNode;
  readonly condition: TemplateNode;
  readonly trueExpr: TemplateNode;
  readonly falseExpr: TemplateNode;
  readonly lhs: TemplateNode;
  readonly left: TemplateNode;
  readonly right: TemplateNode;
  readonly filter: TemplateNode;
  readonly callee: TemplateNode;
  readonly object: TemplateNode;
  readonly property: TemplateNode;
  readonly operator: { readonly value: string };
  readonly computed: boolean;
  readonly negate: boolean;
  readonly value:
    | string
    | number
    | null
    | TemplateNode
    | readonly TemplateNode[]
    | ReadonlyMap<TemplateNode, TemplateNode>;
}
