/** Which labels models and scanners say that rows have: what each says is an alert. */
export interface AlertTable {
  readonly labels: readonly string[];
  /** [rows, labels] 1 where the row has the label. */
  readonly targets: Uint8Array;
  readonly models: readonly AlertModel[];
  readonly tools: readonly AlertTool[];
}

export interface Alerts {
  readonly name: string;
  /** [rows, labels] 1 where it says that the row has the label. */
  readonly answers: Uint8Array;
}

export interface AlertModel extends Alerts {
  /** [rows, labels] Without them its thresholds cannot be moved. */
  readonly probabilities?: Float64Array | undefined;
  /** [labels] From which probability on it gives a label; default: 0.5. */
  readonly thresholds?: ArrayLike<number> | undefined;
  /** Other rows with what is true of them, to choose thresholds on. */
  readonly validation?: ValidationAlerts | undefined;
}

export interface ValidationAlerts {
  /** [validation rows, labels] */
  readonly targets: Uint8Array;
  /** [validation rows, labels] */
  readonly probabilities: Float64Array;
  /** [tools][validation rows, labels] */
  readonly tools: readonly Uint8Array[];
}

export interface AlertTool extends Alerts {
  /** [labels] Whether it has a rule for the label. */
  readonly covers: readonly boolean[];
}
