/** docs/recipe.md: every option of a recipe, as the schema declares it. */
import { type JsonSchema, recipeJsonSchema } from "../../src/base/recipe/json-schema.ts";

export function recipeReferenceText(): string {
  const options = Object.entries(recipeJsonSchema.properties ?? {});
  const sections = options.filter(([, option]) => option.type === "object");
  const top = options.filter(([, option]) => option.type !== "object");
  return `${[
    "# Options of a recipe",
    introduction,
    table("", Object.fromEntries(top)),
    ...sections.flatMap(([name, { description, properties }]) => [
      `## ${name}`,
      String(description),
      table(`${name}.`, properties ?? {}),
    ]),
  ].join("\n\n")}\n`;
}

const introduction = `<!-- Written by \`npm run docs\` from src/base/recipe/schema.ts. -->

A recipe is one YAML file. Only \`base\` and, to train, \`data.train\` are required; every other option has a default. An
option that does not exist, a value of the wrong kind, and options that are impossible together are all reported at once,
with line and reason. \`fettle train RECIPE --set section.option=value\` overrides one; the run folder's \`recipe.yaml\`
holds every option as it was used and where it came from. With the first line

    # yaml-language-server: $schema=PATH/TO/recipes/recipe.schema.json

an editor completes and checks recipes. Names are those of Hugging Face's \`TrainingArguments\` and PEFT's \`LoraConfig\`
where they have one. \`null\` means "off" or "not given".`;

function table(prefix: string, properties: Readonly<Record<string, JsonSchema>>): string {
  return ["| option | values | default | meaning |", "| --- | --- | --- | --- |", ...rows(prefix, properties)].join(
    "\n",
  );
}

function rows(prefix: string, properties: Readonly<Record<string, JsonSchema>>): string[] {
  return Object.entries(properties).flatMap(([name, option]) => {
    const members = alternatives(option).find(({ properties: nested }) => nested !== undefined)?.properties ?? {};
    return [
      `| ${[`\`${prefix}${name}\``, cell(valuesOf(option)), defaultOf(option), cell(String(option.description ?? ""))].join(" | ")} |`,
      // A member without a description of its own is explained by its parent.
      ...rows(`${prefix}${name}.`, members).filter((row) => !row.endsWith("|  |")),
    ];
  });
}

function alternatives(option: JsonSchema): readonly JsonSchema[] {
  return option.anyOf === undefined ? [option] : option.anyOf.flatMap(alternatives);
}

function valuesOf(option: JsonSchema): string {
  return alternatives(option).map(kindOf).join(", ");
}

function kindOf(schema: JsonSchema): string {
  if (Array.isArray(schema.type)) return schema.type.map((type: string) => kindOf({ ...schema, type })).join(", ");
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.const !== undefined) return `\`${schema.const}\``;
  switch (schema.type) {
    case "object":
      return schema.properties === undefined
        ? "a map"
        : `{${Object.keys(schema.properties)
            .map((key) => `${key}: …`)
            .join(", ")}}`;
    case "array":
      return "a list";
    case "string":
      return "text";
    case "boolean":
      return "`true`, `false`";
    case "null":
      return "`null`";
    default:
      return `${schema.type === "integer" ? "whole number" : "number"}${rangeOf(schema)}`;
  }
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const low = minimum !== undefined ? `≥ ${minimum}` : exclusiveMinimum !== undefined ? `> ${exclusiveMinimum}` : "";
  const high =
    maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER
      ? `≤ ${maximum}`
      : exclusiveMaximum !== undefined
        ? `< ${exclusiveMaximum}`
        : "";
  return [low, high]
    .filter((limit) => limit !== "")
    .map((limit) => ` ${limit}`)
    .join(",");
}

function defaultOf(option: JsonSchema): string {
  return option.default === undefined ? "required" : `\`${JSON.stringify(option.default).replaceAll('"', "")}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
