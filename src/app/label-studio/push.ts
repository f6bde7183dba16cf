import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { asRecord } from "../../tune/data/label-studio/control-answer.ts";
import type { LabelStudioClient } from "./client.ts";
import type { ExistingTask } from "./existing-tasks.ts";
import type { Guess } from "./guess.ts";
import type { Project } from "./project.ts";
import { TaskQueue } from "./task-queue.ts";

const TASKS_PER_REQUEST = 200;
const BYTES_PER_REQUEST = 4 * 2 ** 20;

/** What is to be sent, least certain first. */
export class Push {
  readonly #client: LabelStudioClient;
  readonly #project: Project;
  readonly #version: string | undefined;
  readonly #tasks = new TaskQueue();
  readonly #guesses = new TaskQueue();

  /** @param version of the model whose answers are pushed */
  constructor(client: LabelStudioClient, project: Project, version: string | undefined) {
    this.#client = client;
    this.#project = project;
    this.#version = version;
  }

  /**
   * @param found the task that holds this already; it only gets a guess that it does not have
   */
  add(
    data: Readonly<Record<string, unknown>>,
    hash: string,
    found: ExistingTask | undefined,
    guess: Guess | undefined,
  ): void {
    const prediction = guess && { ...guess, model_version: this.#version };
    if (found === undefined) {
      const predictions = prediction === undefined ? [] : [prediction];
      // What the model was not asked about comes last.
      this.#tasks.push({ data, meta: { fettle: hash }, predictions }, guess?.score ?? 2);
    } else if (prediction !== undefined && !found.modelVersions.includes(this.#version!)) {
      this.#guesses.push({ task: found.id, ...prediction }, prediction.score);
    }
  }

  /**
   * @param limit most new tasks
   * @throws UserError when the server refuses, or takes less than it was sent
   */
  async send(limit: number, onEvent: EventSink): Promise<{ tasks: number; predictions: number }> {
    const { id } = this.#project;
    let tasks = 0;
    let predictions = 0;
    const total = Math.max(1, Math.min(this.#tasks.length, limit));
    for (const batch of this.#tasks.batches(limit, TASKS_PER_REQUEST, BYTES_PER_REQUEST)) {
      const answer = asRecord(await this.#client.post(`/api/projects/${id}/import`, batch));
      const taken = Number(answer.task_count ?? batch.length);
      if (taken !== batch.length) throw this.#incomplete(taken, batch.length, "tasks");
      tasks += batch.length;
      predictions += batch.filter((task) => (asRecord(task).predictions as readonly unknown[]).length > 0).length;
      onEvent({ kind: "progress", task: "pushing tasks", done: tasks, total, unit: "tasks" });
    }
    const guesses = Number.POSITIVE_INFINITY;
    for (const batch of this.#guesses.batches(guesses, TASKS_PER_REQUEST, BYTES_PER_REQUEST)) {
      const answer = asRecord(await this.#client.post(`/api/projects/${id}/import/predictions`, batch));
      const taken = Number(answer.created ?? batch.length);
      if (taken !== batch.length) throw this.#incomplete(taken, batch.length, "predictions");
      predictions += batch.length;
    }
    return { tasks, predictions };
  }

  #incomplete(taken: number, sent: number, what: string): UserError {
    return new UserError({
      code: "label-studio/incomplete",
      message: `the Label Studio server took ${taken} of ${sent} ${what}, and does not say why`,
      where: `${this.#client.access.url}/projects/${this.#project.id}`,
      fix: "check that the project's labelling interface has the labels; then do it again: what is there is not pushed twice",
    });
  }
}
