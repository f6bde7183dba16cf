/** The dashboard: a list of runs, and beside it one of them or several. The address says which. */
import type { RunSummary } from "../wire.ts";
import * as api from "./api.ts";
import { ComparePage } from "./compare-page.ts";
import { element, replace } from "./dom.ts";
import { RunList } from "./run-list.ts";
import { RunPage } from "./run-page.ts";

const content = document.getElementById("content")!;
const connection = document.getElementById("connection")!;
const list = new RunList(document.getElementById("list")!);

let runs: readonly RunSummary[] = [];
let page: RunPage | ComparePage | undefined;
/** Runs on the open page. */
let shown: readonly string[] = [];
let busy = false;
let again = false;

function idsOfAddress(): readonly string[] {
  const [, kind, ...names] = location.hash.split("/");
  return kind === "run" || kind === "compare" ? names.filter((name) => name !== "").map(decodeURIComponent) : [];
}

/** Makes the page that the address names. */
async function open(): Promise<void> {
  page?.dispose();
  page = undefined;
  shown = idsOfAddress();
  document.title = shown.length === 0 ? "Fettle runs" : `${shown.join(", ")} – Fettle`;
  if (shown.length === 0) {
    const words = runs.length === 0 ? "No runs yet. fettle train writes one." : "Choose a run, or several to compare.";
    replace(content, element("p", { class: "quiet" }, words));
  } else {
    page = shown.length === 1 ? new RunPage(content) : new ComparePage(content);
    await fill();
  }
  list.show(runs, shown.length === 1 ? shown[0] : undefined);
}

/** Puts what the server says now into the open page; one request at a time, and one more for what came meanwhile. */
async function fill(): Promise<void> {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  const target = page;
  const ids = shown;
  try {
    if (target instanceof RunPage) {
      const [detail, curves] = await Promise.all([api.detail(ids[0]!), api.curves(ids[0]!)]);
      if (target === page) target.show(detail, curves);
    } else if (target instanceof ComparePage) {
      const there = runs.filter(({ id }) => ids.includes(id));
      const compared = await Promise.all(
        there.map(async (summary) => ({ summary, curves: await api.curves(summary.id) })),
      );
      if (target === page) target.show(compared);
    }
  } catch (error) {
    if (target === page) replace(content, element("p", { class: "wrong", role: "alert" }, String(error)));
  } finally {
    busy = false;
  }
  if (again) {
    again = false;
    await fill();
  }
}

async function refreshList(): Promise<void> {
  const told = await api.runs();
  runs = told.runs;
  document.getElementById("folder")!.textContent = told.root;
  list.show(runs, shown.length === 1 ? shown[0] : undefined);
}

async function changed(ids: readonly string[]): Promise<void> {
  await refreshList();
  if (ids.some((id) => shown.includes(id))) await fill();
}

addEventListener("hashchange", () => void open());

try {
  await refreshList();
  await open();
} catch (error) {
  replace(content, element("p", { class: "wrong", role: "alert" }, String(error)));
}
await api.listen(
  ({ changed: ids, gone }) => void changed([...ids, ...gone]).catch(() => {}),
  (there) => {
    connection.textContent = there ? "live" : "the server cannot be reached; trying again";
  },
);
