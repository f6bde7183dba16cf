import type { EventSink } from "../../base/events.ts";
import type { Part } from "../../tune/data/sources/parts.ts";
import { fetchPaths } from "../../tune/train/find-data.ts";
import { hubAccess } from "../environment.ts";

/**
 * Paths of data that was named outside of a recipe: those of data sets on the hub are fetched.
 * @param part which rows of a data set; all where it is none of the three
 * @throws UserError when one cannot be fetched
 */
export async function dataPaths(
  paths: readonly string[],
  part: Part | undefined,
  onEvent: EventSink,
): Promise<readonly string[]> {
  return (await fetchPaths(paths, part, { hub: hubAccess }, onEvent, "the data's name")).files;
}
