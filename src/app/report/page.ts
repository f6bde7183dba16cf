import { type Html, html, trusted } from "./html.ts";
import { pageStyle } from "./page-style.ts";

/**
 * One HTML file that needs nothing else: no script, no font, no picture from elsewhere. The content policy keeps it so,
 * whatever the texts of the data contain.
 */
export function renderPage(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${trusted(pageStyle)}</style>
</head>
<body>
${body}
</body>
</html>
`.markup;
}
