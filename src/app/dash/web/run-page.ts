/** The page of one run. */
import type { CurveSet, Curves, RunDetail } from "../wire.ts";
import { act } from "./api.ts";
import { Chart, type ChartOptions, type Curve } from "./charts.ts";
import { element, replace } from "./dom.ts";
import { bytes, count, percent } from "./format.ts";
import { checkpointsTable, choicesTable, facts, samplesTable, standingsTable } from "./tables.ts";

export class RunPage {
  readonly #head = element("div");
  readonly #charts = element("div", { class: "charts" });
  readonly #below = element("div");
  readonly #said = element("p", { role: "status", "aria-live": "polite" });
  readonly #drawn = new Map<string, Chart>();
  #smoothing = 0;
  #logarithmic = false;
  #curves: Curves | undefined;

  constructor(place: HTMLElement) {
    const smooth = (event: Event): void => {
      this.#smoothing = Number((event.target as HTMLInputElement).value);
      this.#draw();
    };
    const scale = (event: Event): void => {
      this.#logarithmic = (event.target as HTMLInputElement).checked;
      this.#draw();
    };
    const controls = element(
      "div",
      { class: "controls" },
      element(
        "label",
        {},
        "Smoothing ",
        element("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: 0, oninput: smooth }),
      ),
      element("label", {}, element("input", { type: "checkbox", onchange: scale }), " logarithmic loss"),
    );
    replace(place, this.#head, this.#said, controls, this.#charts, this.#below);
  }

  show(detail: RunDetail, curves: Curves): void {
    this.#curves = curves;
    replace(this.#head, this.#heading(detail), facts(detail));
    this.#draw();
    const open = new Set([...this.#below.querySelectorAll("details[open]")].map((one) => one.getAttribute("data-key")));
    const { warnings, recipe, resumeLog, summary } = detail;
    replace(
      this.#below,
      summary.problem !== null && element("p", { class: "wrong" }, summary.problem),
      warnings.length > 0 &&
        folded(
          "Warnings",
          warnings.length,
          element(
            "ul",
            {},
            warnings.map((text) => element("li", {}, text)),
          ),
        ),
      standingsTable(detail),
      samplesTable(detail),
      checkpointsTable(detail),
      folded("Choices", detail.choices.length, choicesTable(detail)),
      folded("Recipe", undefined, element("pre", { tabindex: 0 }, recipe)),
      resumeLog !== "" && folded("What the resumed run said", undefined, element("pre", { tabindex: 0 }, resumeLog)),
    );
    for (const one of this.#below.querySelectorAll("details")) {
      if (open.has(one.getAttribute("data-key"))) one.open = true;
    }
  }

  dispose(): void {
    for (const chart of this.#drawn.values()) chart.dispose();
  }

  #heading({ summary }: RunDetail): HTMLElement {
    const { id, status, here } = summary;
    const act =
      status === "running" ? here && this.#button("stop", id) : resumable(status) && this.#button("resume", id);
    return element(
      "div",
      { class: "heading" },
      element("h2", {}, id, " ", element("span", { class: `status ${status.replace(" ", "-")}` }, status)),
      element("p", { class: "quiet" }, `${summary.method} on ${summary.base}`),
      act,
    );
  }

  #button(what: "stop" | "resume", id: string): HTMLElement {
    const words = { stop: "Stop with a checkpoint", resume: "Resume" } as const;
    const onclick = async (event: Event): Promise<void> => {
      const button = event.target as HTMLButtonElement;
      button.disabled = true;
      try {
        await act(what, id);
        this.#said.textContent = what === "stop" ? "It stops after the running step." : "It is being started again.";
      } catch (error) {
        this.#said.textContent = error instanceof Error ? error.message : String(error);
        button.disabled = false;
      }
    };
    return element("button", { type: "button", onclick: (event) => void onclick(event) }, words[what]);
  }

  #draw(): void {
    if (this.#curves === undefined) return;
    for (const options of chartsOf(this.#curves, this.#smoothing, this.#logarithmic)) {
      const there = this.#drawn.get(options.title);
      if (there !== undefined) {
        there.show(options);
        continue;
      }
      const chart = new Chart(options);
      this.#drawn.set(options.title, chart);
      this.#charts.append(chart.figure);
      chart.redraw();
    }
  }
}

function resumable(status: string): boolean {
  return status === "interrupted" || status === "killed" || status === "failed";
}

function folded(name: string, number: number | undefined, content: HTMLElement | undefined): HTMLElement | undefined {
  if (content === undefined) return undefined;
  const words = number === undefined ? name : `${name} (${count(number)})`;
  return element("details", { "data-key": name }, element("summary", {}, words), content);
}

function chartsOf(
  { training, validation, labels, system }: Curves,
  smoothing: number,
  logarithmic: boolean,
): ChartOptions[] {
  const of = (set: CurveSet, name: string, shown = name, sparse = false): Curve[] =>
    set[name] === undefined ? [] : [{ name: shown, points: set[name], sparse }];
  const metrics = Object.keys(validation).filter((name) => name !== "loss");
  const all: ChartOptions[] = [
    {
      title: "Loss",
      smoothing,
      logarithmic,
      curves: [...of(training, "loss", "training"), ...of(validation, "loss", "validation", true)],
    },
    { title: "Validation", curves: metrics.flatMap((name) => of(validation, name, name, true)) },
    {
      title: "F1 of each label",
      format: percent,
      curves: Object.keys(labels).flatMap((name) => of(labels, name, name, true)),
    },
    { title: "Learning rate", curves: of(training, "learningRate", "learning rate") },
    { title: "Norm of the gradient", smoothing, curves: of(training, "gradNorm", "norm") },
    { title: "Examples per second", smoothing, curves: of(training, "examplesPerSecond", "examples/s") },
    {
      title: "Tokens",
      format: short,
      curves: [...of(training, "tokens", "in the data"), ...of(training, "tokensComputed", "computed")],
    },
    {
      title: "Memory",
      along: "seconds",
      format: bytes,
      curves: [...of(system, "deviceBytes", "tensors on the device"), ...of(system, "memoryBytes", "of the process")],
    },
    {
      title: "Busy",
      along: "seconds",
      format: percent,
      curves: [...of(system, "cpu", "processor"), ...of(system, "gpu", "GPUs")],
    },
  ];
  return all.filter(({ curves }) => curves.length > 0);
}

function short(value: number): string {
  return bytes(value).replace(/\s?B$|B$/, "");
}
