import { Document, isMap, isNode, isScalar, type Pair, type YAMLMap } from "yaml";
import type { LoadedRecipe } from "./load.ts";
import type { OptionPath } from "./source.ts";

/** A choice made for the user: what the option became, and why. */
export interface Choice {
  readonly path: OptionPath;
  readonly value: unknown;
  readonly reason: string;
}

/**
 * The recipe as it is run, as YAML: every option present, and beside each that the file does not give where it came
 * from: `precision: bf16 # auto: amx_bf16`, `seed: 42 # default`. It loads again to the same options.
 */
export function resolvedRecipeText(loaded: LoadedRecipe, choices: readonly Choice[]): string {
  const document = new Document(loaded.recipe, { aliasDuplicateObjects: false });
  for (const { path, value } of choices) document.setIn(path, document.createNode(value));
  const reasons = new Map(choices.map(({ path, reason }) => [path.join("\0"), `auto: ${reason}`]));

  const annotate = (map: YAMLMap, parent: OptionPath): void => {
    for (const pair of map.items as Pair[]) {
      const path = [...parent, String(isScalar(pair.key) ? pair.key.value : pair.key)];
      const reason = reasons.get(path.join("\0")) ?? loaded.origin(path);
      const value = pair.value;
      if (isMap(value) && value.items.length > 0) annotate(value, path);
      else if (reason !== undefined && isNode(value)) {
        const comment = ` ${reason.replace(/\s+/g, " ")}`;
        if (isScalar(value)) value.comment = comment;
        else value.commentBefore = comment;
      }
    }
  };
  if (isMap(document.contents)) annotate(document.contents, []);
  return document.toString({ lineWidth: 0 });
}
