/** Which files of a user's data are for training, validation and testing. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";

/** Absolute paths; a set that there is none of is undefined. */
export interface SplitFiles {
  readonly train: string;
  readonly validation: string | undefined;
  readonly test: string | undefined;
}

const names: Readonly<Record<keyof SplitFiles, RegExp>> = {
  train: /^train(ing)?([-_.].*)?$/i,
  validation: /^(valid(ation)?|val|dev)([-_.].*)?$/i,
  test: /^test(ing)?([-_.].*)?$/i,
};

/**
 * A file is for training; of a folder, the files whose names begin with train, valid or dev, and test.
 * @throws UserError when there is nothing, or it is not plain which file is meant
 */
export function splitFiles(path: string): SplitFiles {
  const full = resolve(path);
  if (!existsSync(full)) {
    throw new UserError({ code: "init/no-data", message: "there is nothing at this path", where: path });
  }
  if (!statSync(full).isDirectory()) return { train: full, validation: undefined, test: undefined };
  const files = readdirSync(full, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [] : entry.name));
  const only = (split: keyof SplitFiles): string | undefined => {
    const fitting = files.filter((file) => names[split].test(file)).sort();
    if (fitting.length > 1) {
      throw new UserError({
        code: "init/several-files",
        message: `several files could be the ${split} set: ${fitting.join(", ")}`,
        where: path,
        fix: "give the training file itself as --data, and write the others into recipe.yaml",
      });
    }
    return fitting[0] && join(full, fitting[0]);
  };
  const train = only("train");
  if (train === undefined) {
    throw new UserError({
      code: "init/no-training-file",
      message: "no file in this folder has a name that begins with train",
      where: path,
      fix: "give the training file itself: --data FILE",
    });
  }
  return { train, validation: only("validation"), test: only("test") };
}
