/**
 * What one run needs and the next may use too: an open device, encoded data, a frozen base. A run alone has parts of its own
 * and goes through the same code, so that it makes no difference to the numbers whether parts are shared.
 */
import { isDeepStrictEqual } from "node:util";
import type { EventSink, RunEvent } from "../../base/events.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { type DeviceOptions, type OpenedDevice, openDevice } from "../../engine/open-device.ts";
import type { RehearsalTarget } from "../../engine/open-rehearsal.ts";
import { release, type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { refreshWorking } from "../../engine/tensor/working-copy.ts";
import type { Model } from "../../model/families/model.ts";
import type { EncodedRunData } from "./encode-data.ts";
import { targetOf } from "./memory/target.ts";

/** Encoded sets are kept as long as they have no more tokens than this together, five bytes each. */
const MAX_TOKENS_KEPT = 2 ** 28;

interface HeldDevice {
  readonly options: DeviceOptions;
  readonly opened: OpenedDevice;
  /** By the budget that was asked for; found out while the device is empty. */
  readonly targets: Map<Recipe["memory_budget"], RehearsalTarget>;
}

interface HeldData {
  readonly key: unknown;
  readonly data: EncodedRunData;
  readonly events: readonly RunEvent[];
}

interface HeldBase {
  readonly key: object;
  readonly model: Model;
  /** Of the class head, as it was opened. */
  readonly head: ReadonlyMap<Tensor, Uint8Array>;
}

/** Dispose of it to free everything and close the device. */
export class SharedParts implements Disposable {
  #device: HeldDevice | undefined;
  #data: HeldData[] = [];
  #base: HeldBase | undefined;

  /** The device is lent: it is closed with the parts, or when another one is asked for. */
  async device(options: DeviceOptions): Promise<OpenedDevice> {
    if (this.#device !== undefined && isDeepStrictEqual(this.#device.options, options)) return this.#device.opened;
    this.#closeDevice();
    const opened = await openDevice(options);
    this.#device = { options, opened, targets: new Map() };
    return opened;
  }

  /** What a run on the lent device may take: what it was when nothing lay on it. */
  target(recipe: Recipe): RehearsalTarget {
    const { opened, targets } = this.#device!;
    const known = targets.get(recipe.memory_budget);
    if (known !== undefined) return known;
    this.#freeBase();
    const target = targetOf(opened.device, recipe);
    targets.set(recipe.memory_budget, target);
    return target;
  }

  /**
   * @param key all that the data depends on
   * @param make is handed a sink; what is told through it is told again to each run that uses the data
   */
  async data(
    key: unknown,
    onEvent: EventSink,
    make: (onEvent: EventSink) => Promise<EncodedRunData>,
  ): Promise<EncodedRunData> {
    const held = this.#data.find((one) => isDeepStrictEqual(one.key, key));
    if (held !== undefined) {
      for (const event of held.events) onEvent(event);
      this.#keepData(held);
      return held.data;
    }
    const events: RunEvent[] = [];
    const data = await make((event) => {
      if (event.kind !== "progress") events.push(event);
      onEvent(event);
    });
    this.#keepData({ key, data, events });
    return data;
  }

  /**
   * A frozen base. Disposing of what is returned leaves the weights in memory, and the class head as it was opened; one
   * user at a time.
   * @param key all that the base depends on beside the device
   */
  base(key: object, open: () => Model): Model {
    const held = this.#base;
    if (held !== undefined && isDeepStrictEqual(held.key, key)) return lent(held);
    this.#freeBase();
    const model = open();
    const head = [...(model.classHead?.parameters.values() ?? [])];
    this.#base = { key, model, head: new Map(head.map((tensor) => [tensor, toBytes(tensor)])) };
    return lent(this.#base);
  }

  /** The base that is held, if `fits` says that it will do. */
  heldBase(fits: (key: object) => boolean): Model | undefined {
    return this.#base && fits(this.#base.key) ? lent(this.#base) : undefined;
  }

  /** Makes room for a model that cannot share. */
  freeBase(): void {
    this.#freeBase();
  }

  [Symbol.dispose](): void {
    this.#closeDevice();
    this.#data = [];
  }

  /** The newest first. */
  #keepData(newest: HeldData): void {
    let tokens = 0;
    this.#data = [newest, ...this.#data.filter((one) => one !== newest)].filter(({ data: { data } }, i) => {
      tokens += data.train.encoded.tokens + (data.validation?.encoded.tokens ?? 0);
      return i === 0 || tokens <= MAX_TOKENS_KEPT;
    });
  }

  #freeBase(): void {
    this.#base?.model[Symbol.dispose]();
    this.#base = undefined;
  }

  #closeDevice(): void {
    this.#freeBase();
    this.#device?.opened.device.close();
    this.#device = undefined;
  }
}

function lent({ model, head }: HeldBase): Model {
  return {
    ...model,
    [Symbol.dispose]() {
      for (const [tensor, original] of head) {
        tensor.trainable = false;
        if (tensor.gradient) release(tensor.gradient);
        tensor.gradient = undefined;
        tensor.device.write(tensor, original);
        refreshWorking(tensor);
      }
    },
  };
}
