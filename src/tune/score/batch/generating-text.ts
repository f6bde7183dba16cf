/** A text on its way: what was asked, its tokens so far, and how far their keys and values are in the cache. */
import { UserError } from "../../../base/errors.ts";
import { Random } from "../../../base/random.ts";
import type { Beginning } from "../../../engine/nn/page-book.ts";
import type { Tokenizer } from "../../../model/text/tokenizer.ts";
import type { ConstrainedText, TokenMask } from "../constraint/token-constraint.ts";
import type { GeneratedToken, GenerationRequest, TokenLogProbability } from "../generation-request.ts";
import { refuseNotANumber } from "../refusals.ts";
import { chooseToken, type LeadingLogits, type SamplingOptions } from "../sampling.ts";
import { StopStrings } from "../stop-strings.ts";
import { TextStream } from "../text-stream.ts";
import type { TokenChannel } from "./token-channel.ts";

/** Logits of what follows a text. */
export interface NextLogits extends LeadingLogits {
  /** Of all logits, before temperature and mask. */
  readonly logSumExp: number;
}

export interface GeneratingTextOptions {
  readonly request: GenerationRequest;
  readonly tokenizer: Tokenizer;
  readonly channel: TokenChannel;
  /** New tokens at most. */
  readonly most: number;
  /** What the text must be; undefined: anything. */
  readonly constrained: ConstrainedText | undefined;
  /** The beginning of no tokens, by its adapter. */
  readonly root: Beginning;
  /** Texts go by this number: earlier ones first. */
  readonly arrival: number;
}

export class GeneratingText {
  readonly adapter: string | undefined;
  readonly arrival: number;
  readonly channel: TokenChannel;
  readonly root: Beginning;
  /** The prompt, then what was generated. */
  readonly tokens: number[];
  /** Tokens whose keys and values are in `pages`. */
  computed = 0;
  pages: number[] = [];
  /** Pages, of these, whose tokens are known to others, and the beginning that they are. */
  known = 0;
  beginning: Beginning;
  readonly sampling: SamplingOptions;
  readonly #tops: number;
  readonly #most: number;
  readonly #random: Random;
  readonly #stops: ReadonlySet<number>;
  readonly #stream: TextStream;
  readonly #ending: StopStrings;
  readonly #constrained: ConstrainedText | undefined;
  #generated = 0;

  constructor({ request, tokenizer, channel, most, constrained, root, arrival }: GeneratingTextOptions) {
    const { temperature = 0, topK = 0, topP = 1, seed = 0, stopTokens = [], stopStrings = [] } = request;
    this.adapter = request.adapter;
    this.arrival = arrival;
    this.channel = channel;
    this.root = root;
    this.beginning = root;
    this.tokens = [...request.prompt];
    this.sampling = { temperature, topK, topP };
    this.#tops = request.topLogProbabilities ?? 0;
    this.#most = most;
    this.#random = new Random(seed, "generate");
    this.#stops = new Set(stopTokens);
    this.#stream = new TextStream(tokenizer);
    this.#ending = new StopStrings(stopStrings);
    this.#constrained = constrained;
  }

  /** Tokens still to be computed before the next one can be chosen. */
  get missing(): number {
    return this.tokens.length - this.computed;
  }

  /** Whether nothing was generated yet. */
  get isFresh(): boolean {
    return this.#generated === 0;
  }

  /** Tokens that may come next; undefined: all. */
  get mask(): TokenMask | undefined {
    return this.#constrained?.mask(this.#stops);
  }

  /** Forgets what was computed, to begin again. */
  restart(): void {
    this.pages = [];
    this.computed = 0;
    this.known = 0;
    this.beginning = this.root;
  }

  /**
   * Chooses the next token and tells it.
   * @returns whether it is the last
   * @throws UserError when the model's answer is not a number
   */
  goOn(next: NextLogits): boolean {
    refuseNotANumber(Float32Array.of(next.logSumExp));
    if (next.ids.length === 0) throw noToken();
    const tokenId = chooseToken(next, this.sampling, this.#random);
    const { text, finish } = this.#textOf(tokenId);
    const token: GeneratedToken = { ...logProbabilityOf(tokenId, next), text, top: this.#top(next) };
    this.channel.push(finish === undefined ? token : { ...token, finish });
    this.tokens.push(tokenId);
    return finish !== undefined;
  }

  #textOf(tokenId: number): Pick<GeneratedToken, "text" | "finish"> {
    if (this.#stops.has(tokenId)) return { text: this.#ending.end(this.#stream.end()).text, finish: "stop" };
    this.#constrained?.push(tokenId);
    const isWhole = this.#constrained?.isWhole ?? false;
    const isLast = ++this.#generated === this.#most || isWhole;
    const piece = this.#stream.push(tokenId);
    const { text, stopped } = isLast ? this.#ending.end(piece + this.#stream.end()) : this.#ending.push(piece);
    if (stopped || isWhole) return { text, finish: "stop" };
    return isLast ? { text, finish: "length" } : { text };
  }

  #top({ ids, logits, logSumExp }: NextLogits): TokenLogProbability[] {
    const count = Math.min(this.#tops, ids.length);
    return Array.from({ length: count }, (_, i) => ({ tokenId: ids[i]!, logProbability: logits[i]! - logSumExp }));
  }
}

function logProbabilityOf(tokenId: number, { ids, logits, logSumExp, all }: NextLogits): TokenLogProbability {
  const rank = ids.indexOf(tokenId);
  return { tokenId, logProbability: (rank < 0 ? all()[tokenId]! : logits[rank]!) - logSumExp };
}

function noToken(): UserError {
  return new UserError({
    code: "generate/no-token",
    message: "the tokenizer has no token with which the answer could go on as it must",
    fix: "ask for an answer that its vocabulary can spell",
  });
}
