/**
 * The program of the thread that holds a process's connections to the others: it goes on while the process itself waits
 * or computes, so that signs of life do not depend on what the process does.
 */
import { workerData } from "node:worker_threads";
import { startLeaf } from "./leaf-thread.ts";
import type { LinkThreadData } from "./link-messages.ts";
import { startRoot } from "./root-thread.ts";
import { ThreadSide } from "./thread-side.ts";

const data = workerData as LinkThreadData;
const side = new ThreadSide(data);
if (data.place.rank === 0) startRoot(data, side);
else startLeaf(data, side);
