import type { LoadedRecipe } from "../../base/recipe/load.ts";
import { type RunResult, type StartOptions, startRun } from "../../tune/train/start-run.ts";
import { SystemMonitor } from "../track/system-monitor.ts";
import { RunTracking } from "../track/track-run.ts";

/** `startRun`, followed by the system's figures and by the recipe's trackers, which it waits for at the end. */
export async function trackedRun(loaded: LoadedRecipe, options: StartOptions): Promise<RunResult> {
  const monitor = new SystemMonitor();
  const tracking = new RunTracking(loaded.recipe, options.resume, options.onEvent);
  try {
    const systemUse: StartOptions["systemUse"] = () => monitor.read();
    const result = await startRun(loaded, { ...options, onEvent: tracking.onEvent, systemUse });
    if (result.status !== "planned") await tracking.finish(result.status);
    return result;
  } catch (error) {
    await tracking.finish("failed");
    throw error;
  }
}
