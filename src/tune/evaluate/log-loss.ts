/**
 * Mean of -ln p(true class), accumulated row by row. p is clipped to [ε, 1 - ε] with the machine epsilon of float64,
 * as scikit-learn's `log_loss` does, so that one impossible answer costs 36 nats and not infinitely many.
 */
export class LogLoss {
  #sum = 0;
  #rows = 0;

  /** @param probability what the model gave to the true class. */
  add(probability: number): void {
    this.#sum -= Math.log(Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON));
    this.#rows++;
  }

  /** 0 when nothing was added. */
  value(): number {
    return this.#rows === 0 ? 0 : this.#sum / this.#rows;
  }
}
