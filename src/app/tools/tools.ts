import { hadolint } from "./hadolint.ts";
import { kics } from "./kics.ts";
import { semgrep } from "./semgrep.ts";
import { slither } from "./slither.ts";
import { terrascan } from "./terrascan.ts";
import type { Tool } from "./tool.ts";
import { trivy } from "./trivy.ts";

/** Every scanner that Fettle can run. */
export const tools: readonly Tool[] = [hadolint, trivy, kics, terrascan, semgrep, slither];
