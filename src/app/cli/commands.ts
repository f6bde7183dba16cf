import { dataCommands } from "./commands/data/data-commands.ts";
import type { CommandEntry, CommandGroup } from "./entry.ts";

export const commands: readonly (CommandEntry | CommandGroup)[] = [
  {
    name: "quickstart",
    summary: "Tune the bundled model on bundled news headlines and show the difference",
    load: async () => (await import("./commands/quickstart.ts")).quickstart,
  },
  {
    name: "init",
    summary: "Start a project from a recipe for a known task",
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    name: "pull",
    summary: "Fetch a model from the Hugging Face hub into the cache",
    load: async () => (await import("./commands/pull.ts")).pull,
  },
  {
    name: "check",
    summary: "Say what training as a recipe says would take: memory by part, and time",
    load: async () => (await import("./commands/check.ts")).check,
  },
  {
    name: "train",
    summary: "Train a model as a recipe says",
    load: async () => (await import("./commands/train.ts")).train,
  },
  {
    name: "sweep",
    summary: "Train a recipe with every combination of some options, and compare the runs",
    load: async () => (await import("./commands/sweep.ts")).sweep,
  },
  {
    name: "eval",
    summary: "Score a run or a model on labelled data",
    load: async () => (await import("./commands/eval.ts")).evaluation,
  },
  {
    name: "compare",
    summary: "Say whether runs, models or predictions differ in more than luck on the same rows",
    load: async () => (await import("./commands/compare.ts")).compare,
  },
  {
    name: "calibrate",
    summary: "Make a finished classifier's probabilities come true as often as they say, and choose thresholds",
    load: async () => (await import("./commands/calibrate.ts")).calibrate,
  },
  {
    name: "predict",
    summary: "Label texts with a run or a model",
    load: async () => (await import("./commands/predict.ts")).predict,
  },
  {
    name: "scan",
    summary: "Find what a classifier was trained to find in the files of a tree",
    load: async () => (await import("./commands/scan.ts")).scan,
  },
  {
    name: "generate",
    summary: "Let a run or a model write an answer",
    load: async () => (await import("./commands/generate.ts")).generate,
  },
  {
    name: "serve",
    summary: "Answer over HTTP as OpenAI's API does, and label texts",
    load: async () => (await import("./commands/serve.ts")).serve,
  },
  {
    name: "export",
    summary: "Write a run or a model as transformers, llama.cpp, Ollama or vLLM load it",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  {
    name: "inspect",
    summary: "Say what a data file, recipe, model, adapter or run is, and what is wrong with it",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  {
    name: "data",
    summary: "Look at data before training: what it is, what is learnt of it; convert it, have it labelled",
    commands: dataCommands,
  },
  {
    name: "dash",
    summary: "Watch runs while they train, compare them, stop and resume them, in a browser",
    load: async () => (await import("./commands/dash.ts")).dash,
  },
  {
    name: "report",
    summary: "Write the page of a finished run",
    load: async () => (await import("./commands/report.ts")).report,
  },
  {
    name: "doctor",
    summary: "Check what this machine offers, and what to do about the rest",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "bench",
    summary: "Measure speed and memory against PyTorch",
    load: async () => (await import("./commands/bench.ts")).bench,
  },
];
