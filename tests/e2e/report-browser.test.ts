/** The pages of runs in a real browser: they fit a phone, can be read in the light and in the dark, and ask for nothing. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { exampleBeside } from "../../src/app/report/fixtures/beside-tools.ts";
import { exampleRun } from "../../src/app/report/fixtures/report-data.ts";
import { exampleRuns } from "../../src/app/report/fixtures/runs-data.ts";
import { renderReport } from "../../src/app/report/render-report.ts";
import { renderRunsReport } from "../../src/app/report/runs-report.ts";
import { Chromium, chromiumPath } from "../helpers/chromium.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-report-"));
const long = `${"CWE-89 VERY-LONG-LABEL-WITHOUT-SPACE".repeat(4)} \u202eright to left\u202c <b>"&`;
const { pairs, ...figures } = exampleRuns(["a", "b", "c"], ["yes", long]).comparison!;
const beside = exampleBeside(["yes", long], ["run", long, "tool"]);
const besideTools = { ...figures, pairs: pairs.slice(0, 1), beside };
const pages = {
  "a run": renderReport(exampleRun(["yes", long])),
  "a run beside tools": renderReport({ ...exampleRun(["yes", long]), comparison: besideTools }),
  "three runs": renderRunsReport(exampleRuns([`${"run".repeat(30)}`, long, "c"], ["yes", long])),
} as const;

/** WCAG's contrast of text with what is behind it, the least of all texts outside pictures. */
const LEAST_CONTRAST = `(() => {
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
    return "rgb(255, 255, 255)";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let least = 21;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() === "" || element.closest("svg")) continue;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((x, y) => y - x);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
})()`;

/** Colours of the pictures against the page. */
const LINE_CONTRAST = LEAST_CONTRAST.replace(
  /const walker[\s\S]*return least;/,
  `const probe = document.body.appendChild(document.createElement("i"));
  const names = ["accent", "warm", "muted", ...[1, 2, 3, 4, 5, 6].map((i) => "series-" + i)];
  return Math.min(...names.map((name) => {
    probe.style.color = "var(--" + name + ")";
    const [a, b] = [luminance(getComputedStyle(probe).color), luminance(behind(document.body))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));`,
);

/** Pictures that take room, and those of them whose text runs out of the picture. */
const PICTURES = `(() => {
  const shown = [...document.querySelectorAll("svg")].filter((svg) => svg.getBoundingClientRect().width > 0);
  const outside = shown.flatMap((svg) => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].flatMap((text) => {
      const { left, right, top, bottom } = text.getBoundingClientRect();
      const fits = left > frame.left - 1 && right < frame.right + 1 && top > frame.top - 1 && bottom < frame.bottom + 1;
      return fits ? [] : [text.textContent + " at " + [left - frame.left, top - frame.top, right - frame.right, bottom - frame.bottom].map(Math.round)];
    });
  });
  return { shown: shown.length, outside };
})()`;

const skip = chromiumPath === undefined ? "there is no Chromium here: apt-get install chromium" : false;

describe("in Chromium", { skip }, () => {
  let browser: Chromium;
  before(async () => {
    browser = await Chromium.start(chromiumPath!);
  });
  after(async () => {
    await browser.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function show(
    name: keyof typeof pages,
    width: number,
    features: Readonly<Record<string, string>>,
  ): Promise<void> {
    const path = join(scratch, "page.html");
    writeFileSync(path, pages[name]);
    await browser.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height: 800, deviceScaleFactor: 1, mobile: width < 500 },
    });
    await browser.send("Emulation.setEmulatedMedia", {
      media: features.media ?? "screen",
      features: [{ name: "prefers-color-scheme", value: features.scheme ?? "light" }],
    });
    await browser.open(path);
  }

  for (const name of Object.keys(pages) as (keyof typeof pages)[]) {
    for (const scheme of ["light", "dark"]) {
      for (const width of [360, 1000]) {
        test(`${name}, ${scheme}, ${width} pixels wide`, async () => {
          await show(name, width, { scheme });
          const wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
          assert.equal(await browser.evaluate(wider), false, "the page scrolls sideways");
          assert.ok((await browser.evaluate<number>(LEAST_CONTRAST)) >= 4.5, "text can be read");
          assert.ok((await browser.evaluate<number>(LINE_CONTRAST)) >= 3, "lines can be seen");
          const { shown, outside } = await browser.evaluate<{ shown: number; outside: string[] }>(PICTURES);
          assert.ok(shown >= 2);
          assert.deepEqual(outside, []);
        });
      }
    }

    test(`${name} asks for nothing and runs nothing`, async () => {
      await show(name, 1000, {});
      const requests = browser
        .events("Network.requestWillBeSent")
        .map(({ request }) => (request as { url: string }).url);
      assert.deepEqual(
        requests.filter((url) => !url.startsWith("data:")),
        [`file://${join(scratch, "page.html")}`],
      );
      assert.deepEqual(browser.events("Log.entryAdded"), []);
    });

    test(`${name}: every picture has words for those who cannot see it`, async () => {
      await show(name, 1000, {});
      const { nodes } = await browser.send("Accessibility.getFullAXTree");
      const read = nodes as { role?: { value: string }; name?: { value: string }; ignored: boolean }[];
      const images = read.filter(({ role, ignored }) => !ignored && (role?.value === "image" || role?.value === "img"));
      assert.ok(images.length >= 2);
      for (const image of images) assert.ok(image.name!.value.length > 30);
    });

    test(`${name} on paper is white, and as wide as the paper`, async () => {
      await show(name, 700, { media: "print", scheme: "dark" });
      assert.equal(await browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
      const { data } = await browser.send("Page.printToPDF", { preferCSSPageSize: true });
      const pdf = Buffer.from(data as string, "base64").toString("latin1");
      assert.match(pdf, /^%PDF/);
      const count = pdf.match(/\/Type \/Page\b/g)?.length ?? 0;
      assert.ok(count >= 1 && count <= 16, `${count} pages`);
    });
  }
});
