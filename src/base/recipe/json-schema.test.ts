import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { packageRoot } from "../package-root.ts";
import { type JsonSchema, optionNames, recipeJsonSchema, recipeJsonSchemaText } from "./json-schema.ts";

describe("the JSON Schema of recipes", () => {
  it("is the one in recipes/ (node dist/scripts/write-schema.js writes it)", () => {
    assert.equal(readFileSync(join(packageRoot, "recipes/recipe.schema.json"), "utf8"), recipeJsonSchemaText());
  });

  it("describes every option in a sentence", () => {
    const check = (schema: JsonSchema, path: string): void => {
      for (const [name, option] of Object.entries(schema.properties ?? {})) {
        if (`${path}${name}` === "data.validation.fraction") continue;
        assert.match(String(option.description), /\.$/, `${path}${name}`);
        check(option, `${path}${name}.`);
      }
    };
    check(recipeJsonSchema, "");
  });

  it("knows the names of nested options", () => {
    assert.deepEqual(optionNames(["data", "validation"]), ["fraction"]);
    assert.deepEqual(optionNames(["evaluation", "early_stopping"]), ["patience", "threshold"]);
    assert.deepEqual(optionNames(["template", "chat_template_kwargs"]), []);
  });
});
