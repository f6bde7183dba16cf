/** Fettle against its peer in one run: both warm, measured in turn, compared round by round. */
import { UserError } from "../../src/base/errors.ts";
import { Contestant, type ContestantCommand } from "./contestant.ts";
import { median, type Spread, spreadOf } from "./statistics.ts";

export interface RaceOptions {
  readonly rounds: number;
  readonly steps: number;
  /** Examples of one step. */
  readonly batch: number;
}

export interface Measured {
  readonly name: string;
  /** Over the rounds; a round's figure is the median of its steps. */
  readonly examplesPerSecond: Spread;
  readonly peakBytes: number;
}

export interface RaceResult {
  readonly fettle: Measured;
  /** The faster of the peers. */
  readonly peer: Measured | undefined;
  readonly otherPeers: readonly Measured[];
  /** Fettle's examples/s over the faster peer's, over the rounds. */
  readonly speedup: Spread | undefined;
  /** Fettle's peak memory over the faster peer's. */
  readonly memoryRatio: number | undefined;
}

/** First losses of both sides are rounded differently, and no further apart than this. */
const LOSS_TOLERANCE = 0.01;

/** @throws UserError when a contestant fails, or when they do not compute the same loss. */
export async function race(
  fettle: ContestantCommand,
  peers: readonly ContestantCommand[],
  { rounds, steps, batch }: RaceOptions,
): Promise<RaceResult> {
  const contestants: Contestant[] = [];
  try {
    for (const command of [fettle, ...peers]) contestants.push(await Contestant.start(command));
    refuseDifferentLosses(contestants);
    const rates: number[][] = contestants.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, contestant] of contestants.entries()) {
        rates[i]!.push(batch / median(await contestant.measure(steps)));
      }
    }
    const measured: Measured[] = [];
    for (const [i, contestant] of contestants.entries()) {
      const peakBytes = await contestant.finish();
      measured.push({ name: contestant.name, examplesPerSecond: spreadOf(rates[i]!), peakBytes });
    }
    return compare(measured, rates);
  } finally {
    for (const contestant of contestants) contestant.kill();
  }
}

function compare(measured: readonly Measured[], rates: readonly (readonly number[])[]): RaceResult {
  const [fettle, ...peers] = measured as [Measured, ...Measured[]];
  const byRate = [...peers].sort((a, b) => b.examplesPerSecond.median - a.examplesPerSecond.median);
  const [peer, ...otherPeers] = byRate;
  if (peer === undefined) return { fettle, peer, otherPeers, speedup: undefined, memoryRatio: undefined };
  const peerRates = rates[measured.indexOf(peer)]!;
  return {
    fettle,
    peer,
    otherPeers,
    speedup: spreadOf(rates[0]!.map((rate, round) => rate / peerRates[round]!)),
    memoryRatio: fettle.peakBytes / peer.peakBytes,
  };
}

function refuseDifferentLosses([fettle, ...peers]: readonly Contestant[]): void {
  for (const peer of peers) {
    const [ours, theirs] = [fettle!.loss, peer.loss];
    if (ours === undefined || theirs === undefined) continue;
    if (Math.abs(ours - theirs) > LOSS_TOLERANCE * theirs) {
      throw new UserError({
        code: "bench/different-work",
        message: `the sides do not compute the same: loss ${ours} of ${fettle!.name}, ${theirs} of ${peer.name}`,
      });
    }
  }
}
