import type { Ledger } from "../../base/events.ts";
import { formatCount, formatFlops, formatPercent } from "../report/format.ts";

/** Work in the data against work done. */
export function ledgerLines(ledger: Ledger): string[] {
  const { examples, tokens, tokensComputed, supervisedTokens, logitRows, flopsPlain, flopsComputed } = ledger;
  if (examples === 0) return [];
  return [
    `${formatCount(examples)} examples of ${formatCount(tokens)} tokens, ${formatCount(tokensComputed)} computed`,
    `${formatCount(supervisedTokens)} targets learnt, ${formatCount(logitRows)} rows through the head`,
    `${formatFlops(flopsComputed)} in place of ${formatFlops(flopsPlain)}: ${formatPercent(1 - flopsComputed / flopsPlain)} saved`,
  ];
}
