/** Fettle against its peer in one run: both warm, measured in turn, compared round by round. */
import { UserError } from "../../src/base/errors.ts";
import { Contestant, type ContestantCommand, type Greeting } from "./contestant.ts";
import { median, type Spread, spreadOf } from "./statistics.ts";

export interface RaceOptions {
  readonly rounds: number;
  /** That one measurement takes at least. */
  readonly seconds: number;
  /** Examples of one step. */
  readonly batch: number;
}

export interface Measured {
  readonly name: string;
  /** Over the rounds; a round's figure is the median of its steps. */
  readonly examplesPerSecond: Spread;
  readonly peakBytes: number;
  /** The part of it that was held before there was a model. */
  readonly idleBytes: number;
  readonly description: string;
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
  { rounds, seconds, batch }: RaceOptions,
): Promise<RaceResult> {
  const contestants: Contestant[] = [];
  try {
    const greetings: Greeting[] = [];
    for (const command of [fettle, ...peers]) {
      const contestant = new Contestant(command);
      contestants.push(contestant);
      greetings.push(await contestant.greeting());
    }
    refuseDifferentLosses(greetings);
    const rates: number[][] = contestants.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, contestant] of contestants.entries()) {
        rates[i]!.push(batch / median(await contestant.measure(seconds)));
      }
    }
    const measured: Measured[] = [];
    for (const [i, contestant] of contestants.entries()) {
      const { idleBytes, description } = greetings[i]!;
      const peakBytes = await contestant.finish();
      measured.push({
        name: contestant.name,
        description,
        examplesPerSecond: spreadOf(rates[i]!),
        peakBytes,
        idleBytes,
      });
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

function refuseDifferentLosses([fettle, ...peers]: readonly Greeting[]): void {
  for (const peer of peers) {
    const [ours, theirs] = [fettle!.loss, peer.loss];
    if (ours === undefined || theirs === undefined) continue;
    if (Math.abs(ours - theirs) > LOSS_TOLERANCE * theirs) {
      throw new UserError({
        code: "bench/different-work",
        message: `the sides do not compute the same: Fettle's loss is ${ours}, the peer's ${theirs}`,
      });
    }
  }
}
