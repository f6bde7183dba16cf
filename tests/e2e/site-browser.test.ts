/** What the site's script does, in a real browser, from files on disk. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { buildSite } from "../../scripts/site/build-site.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { chromiumPath } from "../helpers/chromium.ts";

test("search, colours, menu and copying", { skip: chromiumPath === undefined }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-site-"));
  for (const [path, text] of buildSite(packageRoot)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const browser = await chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(pathToFileURL(join(folder, "guide/serve.html")).href);

    await page.keyboard.press("/");
    await page.keyboard.type("port taken");
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/troubleshooting.html#a-port-is-taken");

    const paper = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    assert.equal(await paper(), "rgb(255, 255, 255)");
    await page.getByRole("button", { name: "Dark" }).click();
    assert.equal(await paper(), "rgb(21, 24, 27)");
    await page.emulateMedia({ media: "print" });
    assert.equal(await paper(), "rgb(255, 255, 255)", "paper stays white");
    await page.emulateMedia({ media: "screen" });

    const copy = page.locator(".code button").first();
    await copy.click();
    await page.waitForFunction("document.querySelector('.code button').textContent !== 'Copy'");

    await page.setViewportSize({ width: 390, height: 800 });
    for (const path of ["index.html", "recipe.html", "cli.html", "results.html", "api.html"]) {
      await page.goto(pathToFileURL(join(folder, path)).href);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390, `${path} is as wide as a phone`);
    }
    const navigation = page.getByRole("navigation", { name: "Pages" });
    assert.equal(await navigation.isVisible(), false);
    await page.getByRole("button", { name: "Contents" }).click();
    assert.equal(await navigation.isVisible(), true);
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
});
