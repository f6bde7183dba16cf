import { declaredName, type Language } from "./language.ts";

export const solidity: Language = {
  name: "Solidity",
  endings: [".sol"],
  grammar: "@repomix/tree-sitter-wasms/out/tree-sitter-solidity.wasm",
  scopes: ["contract_declaration", "library_declaration", "interface_declaration"],
  functions: ["function_definition", "constructor_definition", "modifier_definition", "fallback_receive_definition"],
  nameOf: declaredName,
};
