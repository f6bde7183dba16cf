/** Writes recipes/*.schema.json, which editors use to complete and check recipes and .fettle.yaml. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { scanConfigJsonSchemaText } from "../src/app/scan/config/scan-config-schema.ts";
import { packageRoot } from "../src/base/package-root.ts";
import { recipeJsonSchemaText } from "../src/base/recipe/json-schema.ts";

writeFileSync(join(packageRoot, "recipes/scan.schema.json"), scanConfigJsonSchemaText());
writeFileSync(join(packageRoot, "recipes/recipe.schema.json"), recipeJsonSchemaText());
