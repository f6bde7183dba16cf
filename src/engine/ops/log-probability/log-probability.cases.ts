import { integers, normal, type OpCase } from "../op-case.ts";
import { tokenLogProbabilities } from "./log-probability.ts";

export const logProbabilityCases: readonly OpCase[] = [
  { rows: 5, width: 12, vocabulary: 37, softcap: 0, chunkRows: 5 },
  { rows: 11, width: 24, vocabulary: 515, softcap: 3, chunkRows: 4 },
].map(({ rows, width, vocabulary, softcap, chunkRows }) => ({
  name: `log-probability ${rows} rows of ${vocabulary}, softcap ${softcap}, chunks of ${chunkRows}`,
  inputs: {
    hidden: normal([rows, width], 1),
    weight: normal([vocabulary, width], 2, 0.7),
    // Row 1 has no entry, row 2 has several.
    row: integers([0, 2, 2, 2, 3, rows - 1]),
    token: integers([0, 5, 5, vocabulary - 1, 17, 36]),
  },
  activations: [],
  likeActivations: ["hidden"],
  parameters: [],
  run: ({ hidden, weight, row, token }) =>
    tokenLogProbabilities(hidden!, weight!, row!, token!, { softcap, chunkRows }),
}));
