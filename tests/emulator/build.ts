/** Prints the folder of the emulated CUDA libraries, for FETTLE_CUDA_LIBRARIES. */
import { buildEmulator } from "./emulator.ts";

const built = buildEmulator();
if ("reason" in built) {
  console.error(built.reason);
  process.exitCode = 1;
} else {
  console.log(built.folder);
}
