/**
 * What a model said of texts, kept between scans: a file of lines for each model,
 *
 *     crc32 sha256-of-the-text JSON
 *
 * that is only ever appended to, whole lines at a time. So two scans may write it at once, and one that is killed leaves at
 * most the beginning of a line, which is dropped.
 */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { messageOf } from "../../../base/errors.ts";
import { makeFolder, writeFileAtomic } from "../../../model/files/atomic.ts";

/** Beyond this a model's older half is dropped. */
const MOST_BYTES = 128 * 2 ** 20;
/** Models whose scores are kept, the last used ones. */
const MOST_MODELS = 16;
const ENDING = ".scores";
const CRC = 8;
const KEY = 64;
const LINE_END = 0x0a;

export class ScanCache {
  readonly #path: string;
  readonly #tell: (message: string) => void;
  /** Key -> where its JSON begins in `#bytes`, and ends. */
  readonly #index = new Map<string, readonly [begin: number, end: number]>();
  #bytes: Buffer = Buffer.alloc(0);
  #waiting: string[] = [];
  /** Keys that were put since it was opened. */
  readonly #written = new Set<string>();
  #broken = false;

  /**
   * @param fingerprint of the model
   * @param tell what was wrong with it
   */
  constructor(folder: string, fingerprint: string, tell: (message: string) => void) {
    this.#path = join(folder, `${fingerprint.slice(0, 40)}${ENDING}`);
    this.#tell = tell;
    try {
      makeFolder(folder);
      this.#read();
      this.#dropOthers();
    } catch (error) {
      this.#giveUp("used", error);
    }
  }

  /** What was put under that key, as JSON gave it. */
  get(key: string): unknown {
    const place = this.#index.get(key);
    return place && JSON.parse(this.#bytes.toString("utf8", ...place));
  }

  has(key: string): boolean {
    return this.#index.has(key);
  }

  /** It is kept once `flush` is called; `get` does not see it. @param key 64 hexadecimal digits */
  put(key: string, value: unknown): void {
    if (this.#written.has(key)) return;
    this.#written.add(key);
    const content = `${key} ${JSON.stringify(value)}`;
    this.#waiting.push(`${checksum(Buffer.from(content))} ${content}\n`);
  }

  flush(): void {
    const lines = this.#waiting;
    this.#waiting = [];
    if (this.#broken || lines.length === 0) return;
    try {
      appendFileSync(this.#path, lines.join(""), { mode: 0o600 });
    } catch (error) {
      this.#giveUp("written", error);
    }
  }

  #read(): void {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return;
    const bytes = readFileSync(this.#path);
    const whole = bytes.lastIndexOf(LINE_END) + 1;
    // What a killed scan left of its last line; unless another scan is just writing it.
    if (whole < bytes.length && statSync(this.#path).size === bytes.length) truncateSync(this.#path, whole);
    this.#bytes = bytes;
    for (let begin = 0; begin < whole; ) {
      const end = bytes.indexOf(LINE_END, begin);
      const content = begin + CRC + 1;
      const isWhole =
        end - content > KEY && bytes.toString("latin1", begin, begin + CRC) === checksum(bytes.subarray(content, end));
      if (!isWhole) {
        this.#throwAway();
        return;
      }
      this.#index.set(bytes.toString("latin1", content, content + KEY), [content + KEY + 1, end]);
      begin = end + 1;
    }
    if (whole > MOST_BYTES)
      writeFileAtomic(this.#path, bytes.subarray(bytes.indexOf(LINE_END, whole - MOST_BYTES / 2) + 1, whole));
    const now = new Date();
    utimesSync(this.#path, now, now);
  }

  #throwAway(): void {
    this.#index.clear();
    rmSync(this.#path);
    this.#tell(`the cache of scores was damaged, and is thrown away: ${this.#path}`);
  }

  #dropOthers(): void {
    const folder = dirname(this.#path);
    const others = readdirSync(folder).filter((name) => name.endsWith(ENDING) && name !== basename(this.#path));
    const aged = others.map((name) => ({
      name,
      used: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }));
    for (const { name } of aged.sort((a, b) => b.used - a.used).slice(MOST_MODELS - 1))
      rmSync(join(folder, name), { force: true });
  }

  /** A scan is worth more than its cache. */
  #giveUp(what: string, error: unknown): void {
    this.#broken = true;
    this.#tell(`the cache of scores cannot be ${what}: ${messageOf(error)}`);
  }
}

function checksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(CRC, "0");
}
