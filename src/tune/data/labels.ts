import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";

/** The classes of a task: names in a fixed order, and how a file writes them. */
export class Labels {
  readonly names: readonly string[];
  readonly #indexOf: ReadonlyMap<string, number>;

  private constructor(names: readonly string[], indexOf: ReadonlyMap<string, number>) {
    this.names = names;
    this.#indexOf = indexOf;
  }

  /** From a recipe: names in order, or the file's value -> name (several values may share a name). */
  static declared(labels: NonNullable<DataOptions["labels"]>): Labels {
    const written: readonly (readonly [string, string])[] = Array.isArray(labels)
      ? labels.map((name: string) => [name, name] as const)
      : Object.entries(labels);
    const names = [...new Set(written.map(([, name]) => name))];
    // A file that was already mapped holds names; they stand beside the raw values, which win.
    const indexOf = new Map(names.map((name, i) => [name, i]));
    for (const [value, name] of written) indexOf.set(value, names.indexOf(name));
    return new Labels(names, indexOf);
  }

  /**
   * From the values of a training set, in natural order (2 before 10).
   * @param least how many there must be at least
   * @throws UserError when there are fewer, or more than any classification has
   */
  static collected(values: Iterable<string>, where: string, least: 1 | 2 = 2): Labels {
    const order = new Intl.Collator("en", { numeric: true });
    const names = [...new Set(values)].sort((a, b) => order.compare(a, b) || (a < b ? -1 : 1));
    if (names.length < least) {
      throw new UserError({
        code: "data/one-label",
        message: `every row has the same label, ${JSON.stringify(names[0])}: there is nothing to tell apart`,
        where,
        fix: "declare the labels in data.labels if this is meant",
      });
    }
    if (names.length > maxLabels) {
      throw new UserError({
        code: "data/too-many-labels",
        message: `${names.length} different labels, such as ${JSON.stringify(names[0])}, are no classification`,
        where,
        fix: "name the label's column in data.columns, or declare the labels in data.labels",
      });
    }
    return new Labels(names, new Map(names.map((name, i) => [name, i])));
  }

  /**
   * The same labels with the names in another order, such as that of a class head's outputs.
   * @throws UserError when a name is not among them, or they are not all
   */
  inOrder(names: readonly string[], where: string): Labels {
    const strange = this.names.find((name) => !names.includes(name));
    if (strange !== undefined) {
      throw new UserError({
        code: "data/other-labels",
        message: `${JSON.stringify(strange)} is none of the classifier's labels`,
        where,
        fix: suggestName(strange, names),
      });
    }
    const indexOf = new Map(names.map((name, i) => [name, i]));
    for (const [value, index] of this.#indexOf) indexOf.set(value, names.indexOf(this.names[index]!));
    return new Labels(names, indexOf);
  }

  /** Index of a label as the file writes it; white space around it does not count. */
  indexOf(value: string): number | undefined {
    return this.#indexOf.get(value) ?? this.#indexOf.get(value.trim());
  }
}

/** Label sets are announced, scored in one pass and shown as tables; undeclared ones beyond this are a mistake. */
const maxLabels = 1000;
