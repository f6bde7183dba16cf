/** Texts as files in folders of their own, given to processes of a tool, so that no text can spoil the answers of others. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Answer } from "./answer-cache.ts";
import type { TextKind, ToolProgram } from "./tool.ts";

/** Tools go by a file's name. */
export const fileNames: Readonly<Record<TextKind, string>> = {
  dockerfile: "Dockerfile",
  java: "Main.java",
  solidity: "Contract.sol",
};

/** Single texts that fail before anything worked: then it is the tool that fails. */
const MAX_FAILURES_AT_FIRST = 3;

/**
 * Answers as they come, not in order. A process that fails on several texts is given them in smaller parts, until those that
 * it fails on are alone.
 * @param worked whether the program is known to have answered before
 * @throws UserError when it never worked, and has failed on several texts alone
 */
export async function* runBatches(
  program: ToolProgram,
  texts: readonly string[],
  kind: TextKind,
  { processes, worked: before }: { readonly processes: number; readonly worked: boolean },
): AsyncGenerator<readonly [text: string, answer: Answer]> {
  const { batch } = program.tool;
  // Small enough that each process has several, so that all are busy to the end.
  const size = Math.max(1, Math.min(batch, Math.ceil(texts.length / processes / 2)));
  const queue = parts(texts, size);
  const running = new Map<number, Promise<{ readonly id: number; readonly outcome: Outcome }>>();
  let next = 0;
  let worked = before;
  let failures = 0;
  try {
    for (;;) {
      while (running.size < processes) {
        const given = queue.shift();
        if (given === undefined) break;
        const id = next++;
        running.set(
          id,
          runBatch(program, given, kind).then((outcome) => ({ id, outcome })),
        );
      }
      if (running.size === 0) return;
      const { id, outcome } = await Promise.race(running.values());
      running.delete(id);
      const { given, error, answers } = outcome;
      if (error === undefined) {
        worked = true;
        yield* answers;
      } else if (given.length > 1) {
        // In eighths rather than halves: a text that a tool hangs on costs the time limit of each part that it is in.
        queue.unshift(...parts(given, Math.ceil(given.length / 8)));
      } else {
        failures++;
        if (!worked && failures === MAX_FAILURES_AT_FIRST) throw error;
        // Another try may succeed, so this is nothing to keep.
        yield [given[0]!, { findings: undefined, unread: error.message, lasting: false }];
      }
    }
  } finally {
    await Promise.allSettled(running.values());
  }
}

function parts(texts: readonly string[], size: number): (readonly string[])[] {
  const all: (readonly string[])[] = [];
  for (let at = 0; at < texts.length; at += size) all.push(texts.slice(at, at + size));
  return all;
}

interface Outcome {
  readonly given: readonly string[];
  readonly answers: readonly (readonly [string, Answer])[];
  readonly error?: UserError;
}

async function runBatch(program: ToolProgram, given: readonly string[], kind: TextKind): Promise<Outcome> {
  const place = await mkdtemp(join(tmpdir(), "fettle-tools-"));
  try {
    // What tools write beside the files they are given must not be taken for one.
    const folder = join(place, "files");
    const width = String(given.length - 1).length;
    const files = given.map((_, i) => `${String(i).padStart(width, "0")}/${fileNames[kind]}`);
    for (const [i, file] of files.entries()) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), given[i]!);
    }
    const { tool } = program;
    const { findings, unread } = tool.read(await tool.run(program, folder, files), files);
    const answers = files.map((file, i) => {
      const reason = unread.get(file);
      const found = reason === undefined ? (findings.get(file) ?? []) : undefined;
      return [given[i]!, { findings: found, unread: reason, lasting: true }] as const;
    });
    return { given, answers };
  } catch (error) {
    if (error instanceof UserError) return { given, answers: [], error };
    throw error;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
