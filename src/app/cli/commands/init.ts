import { relative } from "node:path";
import { initProject } from "../../init/init-project.ts";
import { shippedRecipes } from "../../init/shipped-recipes.ts";
import { addExamples, type CommandModule, type CommandOutcome } from "../command.ts";
import type { Terminal } from "../terminal.ts";

interface InitOptions {
  readonly nano?: true;
  readonly data?: string;
  readonly model?: string;
  readonly output?: string;
}

/** `fettle init NAME` */
export const init: CommandModule = {
  define(command) {
    command
      .argument("[name]", "recipe to start from; without it, they are listed")
      .option("--nano", "its variant for fettle-nano, which runs on a CPU in minutes; short for NAME/nano")
      .option(
        "--data <path>",
        "training file, or a folder or tar with files named train, valid and test; default: some rows",
      )
      .option("--model <model>", "base model in place of the recipe's: a folder, or ORG/NAME on the hub")
      .option("--output <folder>", "folder to be made; default: the name");
    addExamples(command, [
      ["fettle init", "the recipes, with one line each"],
      ["fettle init java-vulnerabilities --nano", "a project that runs at once, on a few rows"],
      ["fettle init ag-news --data data/ag-news --output news", "the recipe for Qwen2.5-7B over your own files"],
      ["fettle init solidity-swc --model google/gemma-2b-it", "the same recipe for another model"],
    ]);
  },

  async run(command, terminal) {
    const [name] = command.args;
    if (name === undefined) return list(terminal);
    const { nano, ...options } = command.opts<InitOptions>();
    const project = await initProject({ ...options, name: nano ? `${name}/nano` : name, onEvent: terminal.onEvent });
    const { folder, next } = project;
    terminal.print(
      `${terminal.colors.green(relative(".", folder) || folder)} is ready. What each choice is for stands in`,
    );
    terminal.print(`${relative(".", project.recipe)}; go on with:`);
    for (const line of next) terminal.print(`  ${line}`);
    return { json: { kind: "init", ...project } };
  },
};

function list(terminal: Terminal): CommandOutcome {
  const recipes = shippedRecipes();
  const width = Math.max(...recipes.map(({ name }) => name.length));
  for (const { name, title } of recipes) terminal.print(`${name.padEnd(width)}  ${title}`);
  terminal.print();
  terminal.print("Start with one: fettle init NAME --nano, or --help for more.");
  return { json: { kind: "recipes", recipes } };
}
