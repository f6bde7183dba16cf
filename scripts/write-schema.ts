/** Writes recipes/recipe.schema.json, which editors use to complete and check recipes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/base/package-root.ts";
import { recipeJsonSchemaText } from "../src/base/recipe/json-schema.ts";

writeFileSync(join(packageRoot, "recipes/recipe.schema.json"), recipeJsonSchemaText());
