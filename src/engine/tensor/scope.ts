/**
 * Scopes own memory: a tensor made inside `scope(...)` is freed when the scope ends, unless it is part of what the scope
 * returns (then the enclosing scope owns it, or the caller where there is none) or something else retained it.
 */
import type { Storage, Tensor } from "./tensor.ts";

/** What a scope may return: tensors, alone or one level deep, and anything that holds none. */
export type Escaping = Tensor | readonly (Tensor | undefined)[] | Readonly<Record<string, unknown>> | undefined | void;

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

export function scope<T extends Escaping>(body: () => T): T {
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

function storagesIn(value: Escaping): Storage[] {
  if (typeof value !== "object" || value === null) return [];
  if (isTensor(value)) return [value.storage];
  return Object.values(value).filter(isTensor).map((tensor) => tensor.storage);
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "storage" in value;
}
