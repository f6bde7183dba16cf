/** Rows of a file, each label's as often as a method of balancing says. */
import { UserError } from "../../base/errors.ts";
import type { BalanceMethod } from "../../tune/data/prepare/balance.ts";
import { balanceDataset } from "../../tune/data/prepare/balance-dataset.ts";
import { RowFile, rowFileFormat } from "../../tune/data/row-file.ts";
import { DEFAULT_SEED, openRows, type PreparedFiles, type PrepareFilesOptions } from "./prepared-rows.ts";
import { refuseExisting } from "./split-data.ts";

export interface BalanceDataOptions extends PrepareFilesOptions {
  /** File to write: .jsonl or .json, with .gz to pack it. */
  readonly output: string;
  readonly method: BalanceMethod;
}

export interface BalancedData extends PreparedFiles {
  readonly kind: "balance";
}

/**
 * Balances as training with `prepare.balance` does; a row's copies follow it.
 * @throws UserError when the file is there, or rows have no labels, or several each
 */
export async function balanceData(inputs: readonly string[], options: BalanceDataOptions): Promise<BalancedData> {
  const { output, method, seed = DEFAULT_SEED, reading, onEvent = () => {} } = options;
  const { format } = rowFileFormat(output);
  if (format === "csv" || format === "tsv") {
    throw new UserError({
      code: "data/output-format",
      message: "balanced rows are written as JSON",
      where: output,
      fix: `end the name in .jsonl; fettle data convert makes it ${format}`,
    });
  }
  if (options.force !== true) refuseExisting(output);
  const { dataset, rawRows } = await openRows(inputs, reading, [], onEvent);
  const { dataset: balanced, steps } = balanceDataset(dataset, method, seed, inputs.join(", "), onEvent);
  const times = new Uint32Array(dataset.length);
  for (let row = 0; row < balanced.length; row++) times[balanced.position(row)]!++;
  using file = new RowFile(output);
  let position = 0;
  for await (const { fields } of rawRows()) {
    for (let copy = times[position++]!; copy > 0; copy--) file.write(fields);
  }
  file.finish();
  return { kind: "balance", files: { [output]: file.rows }, skipped: dataset.skipped, steps };
}
