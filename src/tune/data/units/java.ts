import { declaredName, type Language } from "./language.ts";

/** Lambdas and anonymous classes belong to their method; those of fields are functions themselves. */
export const java: Language = {
  name: "Java",
  endings: [".java"],
  grammar: "@repomix/tree-sitter-wasms/out/tree-sitter-java.wasm",
  scopes: [
    "class_declaration",
    "interface_declaration",
    "enum_declaration",
    "record_declaration",
    "annotation_type_declaration",
  ],
  functions: [
    "method_declaration",
    "constructor_declaration",
    "compact_constructor_declaration",
    "static_initializer",
    "lambda_expression",
  ],
  nameOf(node) {
    if (node.type === "constructor_declaration" || node.type === "compact_constructor_declaration")
      return "constructor";
    if (node.type !== "lambda_expression") return declaredName(node);
    return node.parent?.type === "variable_declarator" ? declaredName(node.parent) : "lambda";
  },
};
