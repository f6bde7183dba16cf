/** Everything about one run that is not a curve. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { listCheckpoints, stepOf } from "../../tune/train/checkpoint.ts";
import { type RunInfo, readRunInfo } from "../../tune/train/run-folder.ts";
import type { DashState } from "./dash-state.ts";
import { RESUME_LOG } from "./run-control.ts";
import type { RunDetail } from "./wire.ts";

const LOG_CHARACTERS = 4000;

export function detailOf(state: DashState, id: string): RunDetail {
  const folder = state.folderOf(id);
  const log = state.log(id);
  const info = infoOf(folder);
  return {
    summary: state.summary(id),
    trainableParameters: info?.trainableParameters ?? null,
    ledger: info?.ledger ?? null,
    predicted: info?.predicted ?? null,
    measured: info?.measured ?? null,
    rows: info && { train: info.data.train.rows, validation: info.data.validation?.rows ?? null },
    choices: [...log.choices.values()],
    warnings: [...log.warnings],
    standings: log.standings ?? null,
    samples: log.samples ?? null,
    checkpoints: checkpointsOf(join(folder, "checkpoints")),
    recipe: textOf(join(folder, "recipe.yaml")),
    resumeLog: textOf(join(folder, RESUME_LOG)).slice(-LOG_CHARACTERS),
  };
}

/** Null where run.json cannot be read; the summary says why. */
function infoOf(folder: string): RunInfo | null {
  try {
    return readRunInfo(folder);
  } catch {
    return null;
  }
}

function checkpointsOf(folder: string): RunDetail["checkpoints"] {
  if (!existsSync(folder)) return [];
  return listCheckpoints(folder).flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? [] : [{ step: stepOf(path), written: stats.mtimeMs }];
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
