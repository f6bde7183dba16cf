import { setImmediate as nextTurn } from "node:timers/promises";
import type { EventSink } from "../../../base/events.ts";
import type { TextUnits } from "./text-units.ts";

/** Units between two looks at the clock and at signals. */
const UNITS_PER_TURN = 1024;

/** Does something for each unit of a set in order, and says how far it is. */
export async function eachUnit(units: TextUnits, look: (unit: number) => void, onEvent: EventSink): Promise<void> {
  const task = `compare ${units.dataset.name}`;
  const total = units.length;
  for (let unit = 0; unit < total; unit++) {
    look(unit);
    if ((unit + 1) % UNITS_PER_TURN !== 0 && unit + 1 !== total) continue;
    onEvent({ kind: "progress", task, done: unit + 1, total, unit: "rows" });
    await nextTurn();
  }
}
