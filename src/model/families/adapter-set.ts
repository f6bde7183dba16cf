/** Several adapters over one base in memory, of which one at a time, or none, has a say. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { type Lora, loadLora } from "./lora.ts";
import type { Model } from "./model.ts";

/**
 *     using adapters = new AdapterSet(model);
 *     adapters.attach("tickets", "runs/tickets/adapter");
 *     adapters.attach("mails", "runs/mails/adapter");
 *     adapters.choose("mails");
 *
 * Forward passes from then on are those of `mails`. Only the adapters' own tensors are held beside the base.
 */
export class AdapterSet implements Disposable {
  readonly #model: Model;
  readonly #adapters = new Map<string, Lora>();
  #chosen: string | null = null;

  /** @throws UserError when the model has an adapter already, or a class head, of which each adapter has its own */
  constructor(model: Model) {
    const adapted = [...model.decoder.linears.values()].find(({ adapter }) => adapter !== undefined);
    if (adapted !== undefined || model.classHead !== undefined) {
      throw new UserError({
        code: "adapter/not-plain",
        message: adapted
          ? `the model has an adapter already (on ${adapted.name})`
          : "the model is opened as a classifier",
        where: model.folder,
        fix: "open the base model itself",
      });
    }
    this.#model = model;
  }

  get names(): readonly string[] {
    return [...this.#adapters.keys()];
  }

  /** The name of the adapter that has a say; null: none. */
  get chosen(): string | null {
    return this.#chosen;
  }

  /**
   * Loads an adapter, which is not chosen by that.
   * @returns what in its folder was ignored
   * @throws UserError when the name is taken, or the adapter is damaged or of another base
   */
  attach(name: string, folder: string): readonly string[] {
    if (this.#adapters.has(name)) {
      throw new UserError({
        code: "adapter/name-taken",
        message: `there is an adapter "${name}" already`,
        where: folder,
        fix: "give it another name, or detach the other one",
      });
    }
    const chosen = this.#chosen;
    this.choose(null);
    try {
      const { lora, warnings } = loadLora(this.#model, folder);
      lora.takeOff();
      this.#adapters.set(name, lora);
      return warnings;
    } finally {
      this.choose(chosen);
    }
  }

  /** @param name null: the base alone @throws UserError when there is none of that name */
  choose(name: string | null): void {
    const next = name === null ? undefined : this.#get(name);
    if (name === this.#chosen) return;
    if (this.#chosen !== null) this.#get(this.#chosen).takeOff();
    next?.putBack();
    this.#chosen = name;
  }

  /** Frees an adapter. @throws UserError when there is none of that name */
  detach(name: string): void {
    const lora = this.#get(name);
    if (name === this.#chosen) this.choose(null);
    lora[Symbol.dispose]();
    this.#adapters.delete(name);
  }

  [Symbol.dispose](): void {
    for (const name of this.names) this.detach(name);
  }

  #get(name: string): Lora {
    const lora = this.#adapters.get(name);
    if (lora !== undefined) return lora;
    throw new UserError({
      code: "adapter/no-such-name",
      message: `there is no adapter "${name}"`,
      fix: this.names.length > 0 ? suggestName(name, this.names) : "attach one",
    });
  }
}
