/** The runs, with a search, and boxes that choose which are compared. */
import type { RunSummary } from "../wire.ts";
import { element, replace } from "./dom.ts";
import { ago, count, figure } from "./format.ts";

export class RunList {
  readonly #rows = element("ul", { class: "runs" });
  readonly #count = element("p", { class: "quiet", role: "status" });
  readonly #compare = element("a", { class: "button", href: "#/" }, "Compare");
  readonly #chosen = new Set<string>();
  #runs: readonly RunSummary[] = [];
  #search = "";
  #shown: string | undefined;

  constructor(place: HTMLElement) {
    const oninput = (event: Event): void => {
      this.#search = (event.target as HTMLInputElement).value.toLowerCase();
      this.#draw();
    };
    const search = element("input", { type: "search", id: "search", oninput, placeholder: "name, status, model" });
    replace(place, element("label", { for: "search" }, "Find runs"), search, this.#compare, this.#count, this.#rows);
  }

  /** @param shown the run whose page is open */
  show(runs: readonly RunSummary[], shown: string | undefined): void {
    this.#runs = runs;
    this.#shown = shown;
    this.#draw();
  }

  #draw(): void {
    const found = this.#runs.filter(({ id, status, base, method }) =>
      `${id} ${status} ${base} ${method}`.toLowerCase().includes(this.#search),
    );
    this.#count.textContent = `${found.length} of ${this.#runs.length} runs`;
    this.#compare.hidden = this.#chosen.size < 2;
    this.#compare.setAttribute("href", compareAddress([...this.#chosen]));
    this.#compare.textContent = `Compare ${this.#chosen.size} runs`;
    const focused = document.activeElement?.getAttribute("data-key");
    replace(
      this.#rows,
      found.map((run) => this.#row(run)),
    );
    if (focused) this.#rows.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #row(run: RunSummary): HTMLElement {
    const { id, status, step, totalSteps, loss, changed } = run;
    const onchange = (event: Event): void => {
      if ((event.target as HTMLInputElement).checked) this.#chosen.add(id);
      else this.#chosen.delete(id);
      this.#draw();
    };
    const metric = Object.entries(run.metrics).find(([name]) => name !== "loss");
    const figures = [
      `loss ${figure(loss)}`,
      metric && `${metric[0]} ${figure(metric[1])}`,
      status === "running" ? `step ${count(step)} of ${count(totalSteps)}` : ago(changed),
    ];
    return element(
      "li",
      { class: id === this.#shown ? "shown" : "" },
      element("input", {
        type: "checkbox",
        "aria-label": `Compare ${id}`,
        "data-key": `box ${id}`,
        checked: this.#chosen.has(id),
        onchange,
      }),
      element(
        "a",
        { href: runAddress(id), "data-key": `link ${id}`, "aria-current": id === this.#shown ? "page" : undefined },
        element("span", { class: "name" }, id),
        " ",
        element("span", { class: `status ${status.replace(" ", "-")}` }, status),
        " ",
        element("span", { class: "quiet" }, figures.filter(Boolean).join(" · ")),
        status === "running" &&
          element("progress", { max: Math.max(1, totalSteps), value: step, "aria-label": "steps" }),
      ),
    );
  }
}

export function runAddress(id: string): string {
  return `#/run/${encodeURIComponent(id)}`;
}

export function compareAddress(ids: readonly string[]): string {
  return `#/compare/${ids.map(encodeURIComponent).join("/")}`;
}
