import { charF1 } from "./char-f1.ts";
import { chrf } from "./chrf.ts";
import { exactMatch } from "./exact-match.ts";
import { squadExactMatch, tokenF1 } from "./squad.ts";
import type { TextMetric } from "./text-metric.ts";

/** Every metric of written answers, in the order in which they are shown. */
export const textMetrics: readonly TextMetric[] = [exactMatch, squadExactMatch, tokenF1, charF1, chrf];
