/**
 * Scopes own memory: a tensor made inside `scope(...)` is freed when the scope ends, unless it is part of what the scope
 * returns (then the enclosing scope owns it, or the caller where there is none) or something else retained it.
 */
import type { Storage } from "./storage.ts";

/** A tensor, as far as scopes care. */
interface Owner {
  readonly storage: Storage;
}

let current: Set<Storage> | undefined;

/** Called by the allocation functions: the current scope becomes the owner. */
export function adopt(storage: Storage): void {
  current?.add(storage);
}

/** Hands one reference to the current scope, or leaves it with the caller where there is none. */
export function handOver(storage: Storage): void {
  if (current?.has(storage)) storage.release();
  else current?.add(storage);
}

/** Tensors in the result of `body` escape: the result itself, or what an array or object holds one level deep. */
export function scope<T>(body: () => T): T {
  const outer = current;
  const owned = new Set<Storage>();
  current = owned;
  try {
    const result = body();
    for (const storage of storagesIn(result)) {
      if (owned.delete(storage)) outer?.add(storage);
    }
    return result;
  } finally {
    current = outer;
    for (const storage of owned) storage.release();
  }
}

/** Frees a tensor of the current scope before the scope ends; what the tape saved of it stays. */
export function discard({ storage }: Owner): void {
  if (current?.delete(storage)) storage.release();
}

/** Runs `body` with no current scope: what it makes belongs to the caller, who must `release` it. */
export function unscoped<T>(body: () => T): T {
  const outer = current;
  current = undefined;
  try {
    return body();
  } finally {
    current = outer;
  }
}

function storagesIn(value: unknown): Storage[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  if (hasStorage(value)) return [value.storage];
  return Object.values(value)
    .filter(hasStorage)
    .map((tensor) => tensor.storage);
}

function hasStorage(value: unknown): value is Owner {
  return typeof value === "object" && value !== null && "storage" in value;
}
