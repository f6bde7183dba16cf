import { pull as pullModel } from "../../api/pull.ts";
import { formatBytes } from "../../report/format.ts";
import { addExamples, type CommandModule } from "../command.ts";

interface PullFlags {
  readonly cache?: string;
  readonly weights: boolean;
}

/** `fettle pull ORG/NAME[@REVISION]` */
export const pull: CommandModule = {
  define(command) {
    command
      .argument("<model>", "ORG/NAME on the hub, or ORG/NAME@REVISION for a branch, tag or commit")
      .option("--cache <folder>", "folder of the cache; default: HF_HUB_CACHE, as in Python")
      .option("--no-weights", "everything but the weights: what `fettle check` needs");
    addExamples(command, [
      ["fettle pull Qwen/Qwen2.5-0.5B-Instruct", "fetches it, or what is missing of it, and prints its folder"],
      ["fettle pull Qwen/Qwen2.5-0.5B-Instruct@main --json", "folder, commit, and bytes fetched, for a program"],
      ["HF_TOKEN=hf_... fettle pull google/gemma-2-2b", "a gated model, once its licence is accepted"],
    ]);
  },

  async run(command, terminal) {
    const pulled = await pullModel(command.args[0]!, { ...command.opts<PullFlags>(), onEvent: terminal.onEvent });
    const { repo, commit, bytesFetched, folder } = pulled;
    terminal.log(
      bytesFetched === 0
        ? `${repo} is in the cache, as of commit ${commit}`
        : `${repo}, commit ${commit}: ${formatBytes(bytesFetched)} fetched`,
    );
    terminal.print(folder);
    return { json: { kind: "pull", ...pulled } };
  },
};
