import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes a file or the entries of a folder survive a loss of power. @throws what `node:fs` throws */
export function fsyncEntry(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some file systems cannot flush a folder; its entries are then as durable as the system makes them.
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
  } finally {
    closeSync(descriptor);
  }
}
