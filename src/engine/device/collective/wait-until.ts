/** Looks without a pause; then the core is left to others for so many ms at a time. */
const EAGER_LOOKS = 200;
const PAUSE_MS = 0.05;
/** Between two looks whether there is still something to wait for. */
const LOOKS_BETWEEN = 20;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Waits for what goes on without this thread. @param check throws where it will never come */
export function waitUntil(isOver: () => boolean, check: () => void): void {
  for (let looks = 0; !isOver(); looks++) {
    if (looks < EAGER_LOOKS) continue;
    if (looks % LOOKS_BETWEEN === 0) check();
    Atomics.wait(pause, 0, 0, PAUSE_MS);
  }
}
