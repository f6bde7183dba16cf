import { createHash } from "node:crypto";
import { html, trusted } from "../report/html.ts";

/** Where the page's modules find the charts. */
const IMPORTS = JSON.stringify({ imports: { echarts: "./echarts.js" } });

/** Nothing but the page's own files runs, and it talks to nobody else. Charts set styles of their own. */
export const contentPolicy: string = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash("sha256").update(IMPORTS).digest("base64")}'`,
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function renderDashPage(): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fettle runs</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="./style.css">
<script type="importmap">${trusted(IMPORTS)}</script>
<script type="module" src="./main.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the run</a>
<header>
  <h1><a href="#/">Fettle runs</a></h1>
  <p id="folder" class="quiet"></p>
  <p id="connection" class="quiet" role="status" aria-live="polite"></p>
</header>
<div class="frame">
  <nav id="list" aria-label="Runs"></nav>
  <main id="content" tabindex="-1"></main>
</div>
<noscript>The dashboard needs JavaScript.</noscript>
</body>
</html>
`.markup;
}
