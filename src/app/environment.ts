/** The environment variables that Fettle knows; nothing below `app` reads any. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import type { ProcessPlace } from "../engine/device/collective/process-place.ts";
import type { DeviceEnvironment } from "../engine/open-device.ts";
import { fileError } from "../model/files/file-error.ts";
import type { HubAccess } from "../model/files/hub/hub-access.ts";
import type { RunEnvironment } from "../tune/train/base-model.ts";
import type { TrackerSecrets } from "./track/track-message.ts";

/**
 * `FETTLE_CACHE`: folder of compiled kernels. `CC`: the C compiler. `FETTLE_CUDA_LIBRARIES`: folder of libcuda, libnvrtc
 * and libcublasLt. `CUDA_HOME`, `CUDA_PATH`, `VIRTUAL_ENV`, `CONDA_PREFIX`: where they may be besides. An empty variable
 * counts as none.
 */
export function deviceEnvironment(): DeviceEnvironment {
  const { env } = process;
  return {
    cacheFolder: env.FETTLE_CACHE || undefined,
    compiler: env.CC || undefined,
    cudaLibraries: env.FETTLE_CUDA_LIBRARIES || undefined,
    cudaRoots: [env.CUDA_HOME, env.CUDA_PATH, env.VIRTUAL_ENV, env.CONDA_PREFIX].flatMap((root) =>
      root ? [root] : [],
    ),
  };
}

/**
 * What Python's huggingface_hub goes by, so that both share one cache and one login: `HF_HUB_CACHE`, otherwise `hub` in
 * `HF_HOME`, otherwise in `XDG_CACHE_HOME/huggingface` or `~/.cache/huggingface`; `HF_TOKEN`, otherwise what `hf auth
 * login` left in `HF_TOKEN_PATH` or `HF_HOME/token`; `HF_ENDPOINT`; `HF_HUB_OFFLINE`. Older names of these count too.
 * @throws UserError for an endpoint that is no address, and a token that cannot be sent
 */
export function hubAccess(): HubAccess {
  const { env } = process;
  const home = fromHome(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"));
  const token =
    env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || storedToken(fromHome(env.HF_TOKEN_PATH || join(home, "token")));
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token.trim())) {
    throw new UserError({
      code: "hub/bad-token",
      message: "the token for the hub has characters that no token has",
      where: env.HF_TOKEN ? "HF_TOKEN" : "the file of the token",
      fix: "set HF_TOKEN to the token alone, which starts with hf_",
    });
  }
  return {
    cacheFolder: fromHome(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub")),
    endpoint: endpointOf(env.HF_ENDPOINT || "https://huggingface.co"),
    token: token?.trim() || undefined,
    offline: ["1", "ON", "YES", "TRUE"].includes((env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE || "").toUpperCase()),
  };
}

/** Which task of a SLURM array this process is, from 1, of how many; undefined outside one. */
export function arrayTask(): { readonly index: number; readonly count: number } | undefined {
  const { SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_COUNT: count, SLURM_ARRAY_TASK_MIN: least } = process.env;
  if (!id || !count) return undefined;
  const step = Number(process.env.SLURM_ARRAY_TASK_STEP || 1);
  const index = Math.floor((Number(id) - Number(least || 0)) / step) + 1;
  return index >= 1 && index <= Number(count) ? { index, count: Number(count) } : undefined;
}

/** Whether `fettle` started this process, as one of several. */
export function isLaunched(): boolean {
  return process.env.FETTLE_JOB !== undefined;
}

/** Devices and hub. @param place of a process among others, which share the machine */
export function runEnvironment(place?: ProcessPlace): RunEnvironment {
  return { ...deviceEnvironment(), hub: hubAccess, ...(place && shareOfMachine(place)) };
}

/** A GPU each; cores are divided unless the launcher has done so, as mpirun and srun do. */
function shareOfMachine({ localRank, localSize = 1, launcher }: ProcessPlace): Partial<DeviceEnvironment> {
  const bound = (launcher === "mpirun" || launcher === "srun") && availableParallelism() < cpus().length;
  const threads = bound ? availableParallelism() : Math.max(1, Math.floor(availableParallelism() / localSize));
  return { card: localRank, threads };
}

/** `~` is the shell's affair, but not where a variable is set without one. */
function fromHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

function storedToken(path: string): string | undefined {
  try {
    return existsSync(path) ? readFileSync(path, "utf8").trim() || undefined : undefined;
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function endpointOf(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, "");
  throw new UserError({
    code: "hub/bad-endpoint",
    message: `HF_ENDPOINT is no address: "${text}"`,
    where: "HF_ENDPOINT",
    fix: "unset it, or give an address such as https://huggingface.co",
  });
}

/** Label Studio's own SDK goes by the same: `LABEL_STUDIO_URL` and `LABEL_STUDIO_API_KEY`. */
export function labelStudioEnvironment(): { readonly url: string | undefined; readonly apiKey: string | undefined } {
  const { env } = process;
  return { url: env.LABEL_STUDIO_URL || undefined, apiKey: env.LABEL_STUDIO_API_KEY || undefined };
}

/** Keys of `fettle serve`: `FETTLE_API_KEY` for who may ask, `FETTLE_ADMIN_KEY` for who may load adapters. */
export function serverKeys(): { readonly apiKey: string | undefined; readonly adminKey: string | undefined } {
  const { env } = process;
  return { apiKey: env.FETTLE_API_KEY || undefined, adminKey: env.FETTLE_ADMIN_KEY || undefined };
}

/** Whether text for this stream may have colours: only on a terminal, and not against `NO_COLOR` (no-color.org). */
export function wantsColors(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

/** `FETTLE_DASH_TOKEN`: what pages must bring to the dashboard. */
export function dashToken(): string | undefined {
  return process.env.FETTLE_DASH_TOKEN || undefined;
}

/** MLflow's own clients go by the same: `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and `_PASSWORD`. */
export function trackerSecrets(): TrackerSecrets {
  const { env } = process;
  return {
    mlflow: {
      token: env.MLFLOW_TRACKING_TOKEN || undefined,
      username: env.MLFLOW_TRACKING_USERNAME || undefined,
      password: env.MLFLOW_TRACKING_PASSWORD || undefined,
    },
  };
}
