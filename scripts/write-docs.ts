/** Writes the pages of docs/ that come from code: the options of a recipe, the commands, and the library. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/base/package-root.ts";
import { apiReferenceText } from "./docs/api-reference.ts";
import { cliReferenceText } from "./docs/cli-reference.ts";
import { recipeReferenceText } from "./docs/recipe-reference.ts";

writeFileSync(join(packageRoot, "docs/recipe.md"), recipeReferenceText());
writeFileSync(join(packageRoot, "docs/cli.md"), cliReferenceText());
writeFileSync(join(packageRoot, "docs/api.md"), apiReferenceText());
