/** The dashboard in a real browser, over runs that train meanwhile. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { type RunningDash, startDash } from "../../src/app/dash/start-dash.ts";
import { chromiumPath } from "../helpers/chromium.ts";
import { fettle, start } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-dash-"));
const runs = join(scratch, "runs");
const token = "a-token-of-enough-characters";
const hostile = '<img src=x onerror="document.title=1"> \u202e';

function recipe(name: string, epochs: number): string {
  const path = join(scratch, `${name}.yaml`);
  const lines = [
    `base: ${join(scratch, "model")}`,
    `output: ${join(runs, name)}`,
    "device: cpu",
    `data: {train: ${join(scratch, "train.jsonl")}, validation: {fraction: 0.2}, labels: [good, bad]}`,
    'template: {user: "{text}", assistant: "{label}"}',
    `training: {num_train_epochs: ${epochs}, batch_size: 4, logging_steps: 2}`,
    "evaluation: {eval_steps: 10}",
    "checkpoints: {save_steps: 10}",
  ];
  writeFileSync(path, lines.join("\n"));
  return path;
}

describe("dash", { skip: chromiumPath === undefined && "no Chromium here: apt-get install chromium" }, () => {
  let browser: Browser;
  let page: Page;
  let dash: RunningDash;
  const complaints: string[] = [];
  let child: ChildProcess | undefined;

  before(async () => {
    writeSmallModel(join(scratch, "model"));
    const rows = Array.from({ length: 50 }, (_, i) => ({
      text: `${hostile} text ${i}`,
      label: i % 3 ? "good" : "bad",
    }));
    writeFileSync(join(scratch, "train.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const { code, stderr } = await fettle(["train", recipe("whole", 2)]);
    assert.equal(code, 0, stderr);
    dash = await startDash(runs, { port: 0, token });
    const args = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"];
    browser = await chromium.launch({ executablePath: chromiumPath!, args });
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.setDefaultTimeout(60_000);
  });

  after(async () => {
    child?.kill("SIGKILL");
    await browser?.close();
    await dash?.stop();
    rmSync(scratch, { recursive: true });
  });

  test("without the token nothing of a run is told, and the token does not stay in the address", async () => {
    const address = dash.url.split("#")[0]!;
    assert.equal((await fetch(`${address}api/runs`)).status, 401);
    await page.goto(dash.url);
    await page.getByRole("link", { name: /whole/ }).waitFor();
    assert.ok(!page.url().includes(token));
  });

  test("a run's page shows figures, curves, labels and rows, and takes texts for texts", async () => {
    await page.keyboard.press("Tab");
    await page.getByRole("link", { name: /whole/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /whole finished/ }).waitFor();
    const loss = page.getByRole("img", { name: /^Loss\. training: [\d.]+ at 2, [\d.]+ at 20; validation: / });
    await loss.waitFor();
    assert.ok(await loss.locator("canvas").count());
    await page
      .getByRole("region", { name: "Labels at the last evaluation" })
      .getByRole("row", { name: /^bad/ })
      .waitFor();
    const rows = page.getByRole("region", { name: /Rows of the validation set/ });
    assert.match((await rows.textContent()) ?? "", /<img src=x onerror=/);
    assert.notEqual(await page.title(), "1");
    await page.locator("summary", { hasText: "Choices" }).click();
    await page.getByRole("rowheader", { name: "precision", exact: true }).waitFor();
    await page.getByText("Values").first().click();
    await page.getByRole("columnheader", { name: "training" }).waitFor();
  });

  test("a run is seen to train, stops with a checkpoint, and is gone on with", async () => {
    child = start(["train", recipe("long", 5000)]);
    const ended = once(child, "close");
    await page.getByRole("link", { name: /long running/ }).click();
    const step = page.locator("dt", { hasText: /^step$/ }).locator("xpath=../dd");
    await until(async () => /^[1-9]/.test((await step.textContent()) ?? ""));
    const first = await step.textContent();
    await until(async () => (await step.textContent()) !== first);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("heading", { name: /long interrupted/ }).waitFor();
    await ended;
    await page.getByRole("region", { name: "Checkpoints" }).waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("heading", { name: /long running/ }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("heading", { name: /long interrupted/ }).waitFor();
  });

  test("runs are laid over each other, also on a phone in the dark", async () => {
    for (const name of ["whole", "long"]) await page.getByRole("checkbox", { name: `Compare ${name}` }).check();
    await page.getByRole("link", { name: "Compare 2 runs" }).click();
    await page.getByRole("img", { name: /^Training loss\. (long|whole): .*; (long|whole): / }).waitFor();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 360, height: 800 });
    await page.getByRole("img", { name: /^Validation: loss/ }).waitFor();
    const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    assert.ok(wide <= 0, `the page is ${wide} pixels wider than a phone`);
    assert.deepEqual(complaints, []);
  });

  test("a page of another origin learns nothing, nor one that comes by another name", async () => {
    const other = createServer((_, response) => response.end("<p>other</p>")).listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const stranger = await browser.newPage();
    await stranger.goto(`http://127.0.0.1:${port}/`);
    const address = `${dash.url.split("#")[0]}api/runs`;
    const told = await stranger.evaluate(
      async ([url, key]) =>
        fetch(url!, { headers: { Authorization: `Bearer ${key}` } }).then(
          () => "told",
          () => "refused",
        ),
      [address, token],
    );
    assert.equal(told, "refused");
    await stranger.close();
    other.close();
    assert.match(await rawAnswer(new URL(address), "rebound.example"), /^HTTP\/1\.1 403 /);
  });

  test("names that lead out of the folder are no runs, and a folder or port that cannot be had is said", async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const { status } = await fetch(`${dash.url.split("#")[0]}api/run/${encodeURIComponent("../model")}`, { headers });
    assert.equal(status, 404);
    await assert.rejects(startDash(join(scratch, "absent")), { code: "dash/no-folder" });
    await assert.rejects(startDash(runs, { host: "0.0.0.0" }), { code: "dash/needs-token" });
    await assert.rejects(startDash(runs, { port: Number(new URL(dash.url).port) }), { code: "serve/cannot-listen" });
  });
});

/** The page's content policy lets nothing be evaluated in it again and again, as Playwright's own waiting does. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    assert.ok(tries < 300, "it did not come to pass in 60 seconds");
    await sleep(200);
  }
}

/** By a `Host` of one's own, which fetch does not allow. */
async function rawAnswer({ hostname, port, pathname }: URL, host: string): Promise<string> {
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}
