/** What is counted of requests. */
import type { Noted } from "../http/exchange.ts";
import { Counter, Histogram, type Metric } from "./metrics.ts";

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export class RequestCounters {
  readonly #requests = new Counter("fettle_http_requests_total", "Requests answered.");
  readonly #duration = new Histogram("fettle_http_request_duration_seconds", "Until the answer was out.", seconds);
  readonly #firstPiece = new Histogram("fettle_time_to_first_token_seconds", "Until a stream's first token.", seconds);
  readonly #promptTokens = new Counter("fettle_prompt_tokens_total", "Tokens of prompts.");
  readonly #generatedTokens = new Counter("fettle_generated_tokens_total", "Tokens generated.");
  readonly #rows = new Counter("fettle_classified_rows_total", "Texts and rows labelled.");
  readonly #refused = new Counter("fettle_requests_refused_total", "Requests sent away because there were too many.");

  /** @param endpoint its path in the list of endpoints, so that there are few; `other` for anything else */
  answered(endpoint: string, method: string, status: number, took: number, noted: Noted): void {
    this.#requests.add(1, { endpoint, method, status: String(status) });
    this.#duration.observe(took, { endpoint });
    if (status === 429) this.#refused.add(1);
    if (noted.model === undefined) return;
    const labels = { model: noted.model };
    if (noted.firstTokenMs !== undefined) this.#firstPiece.observe(noted.firstTokenMs / 1000, labels);
    if (noted.promptTokens !== undefined) this.#promptTokens.add(noted.promptTokens, labels);
    if (noted.completionTokens !== undefined) this.#generatedTokens.add(noted.completionTokens, labels);
    if (noted.rows !== undefined) this.#rows.add(noted.rows, labels);
  }

  get all(): readonly Metric[] {
    return [
      this.#requests,
      this.#duration,
      this.#firstPiece,
      this.#promptTokens,
      this.#generatedTokens,
      this.#rows,
      this.#refused,
    ];
  }
}
