/**
 * The page's style sheet. Colours are variables that the charts use too. The dark ones are for screens only, so that
 * paper stays white.
 */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2126; --muted: #5b656f; --rule: #dde2e7; --shade: #f5f7f9;
  --accent: #1c5d99; --warm: #b9501b;
  --series-1: #1c5d99; --series-2: #b9501b; --series-3: #2a7a4b;
  --series-4: #7b4ba3; --series-5: #82690a; --series-6: #b0305c;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --ink: #e7eaed; --muted: #9ba6b0; --rule: #30373d; --shade: #1c2125;
    --accent: #79b4ea; --warm: #f0a468;
    --series-1: #79b4ea; --series-2: #f0a468; --series-3: #79cf9c;
    --series-4: #c4a0e8; --series-5: #d9c15c; --series-6: #f08fb2;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 3rem 1.25rem 4rem; max-width: 50rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
header p, h1, h2, figure, table, dl, pre { margin: 0; }
h1 { font-size: 1.25rem; font-weight: 600; line-height: 1.3; }
.byline, figcaption, caption, .quiet { color: var(--muted); font-size: .875rem; }
.answer { margin-top: 2.25rem; }
.answer strong {
  display: block; font-size: clamp(2.25rem, 9vw, 3.75rem); font-weight: 650; line-height: 1.1; letter-spacing: -.02em;
}
.answer strong.words { font-size: clamp(1.6rem, 6vw, 2.5rem); letter-spacing: -.01em; }
.answer .before { color: var(--muted); font-weight: 400; }
.answer p { margin: .6rem 0 0; max-width: 40rem; }
.figures { display: grid; grid-template-columns: repeat(3, 1fr); column-gap: 1.5rem; margin: 2rem 0 0; }
.figures div { padding: .7rem 0; border-top: 1px solid var(--rule); }
.figures dt { color: var(--muted); font-size: .8125rem; }
.figures dd { margin: 0; font-size: 1.125rem; font-weight: 600; }
.figures .before { color: var(--muted); font-weight: 400; }
section { margin-top: 3rem; }
h2 { font-size: 1.0625rem; font-weight: 600; margin-bottom: .9rem; }
section > p { margin: 0 0 .9rem; max-width: 40rem; }
.scroll + p, details + p { margin-top: 1.4rem; }
pre + p { margin-top: 1.4rem; }
tbody th.long { min-width: 9rem; }
.legend + .quiet { margin-top: .5rem; }
.interval { display: block; color: var(--muted); font-size: .8125rem; font-weight: 400; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { padding: .42rem .8rem .42rem 0; text-align: left; }
th, td { vertical-align: baseline; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; }
thead th { color: var(--muted); font-size: .8125rem; font-weight: 500; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
tfoot th, tfoot td { border-bottom: 0; font-weight: 600; }
td .before { color: var(--muted); font-weight: 400; }
.up { color: var(--accent); } .down { color: var(--warm); }
svg { display: block; width: 100%; height: auto; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem; }
figure > figcaption { margin-bottom: .4rem; }
section > figure + figure, section > figure + table, section > figure + .scroll, table + .scroll { margin-top: 1.2rem; }
details + .scroll { margin-top: 1.2rem; }
.pictures + .quiet { margin-top: .5rem; }
section > .scroll + .scroll, .pictures + .scroll, .legend + .scroll, .legend + .pictures, .scroll + .pictures { margin-top: 1.2rem; }
.pictures.large { grid-template-columns: minmax(0, 1fr); }
.pictures.large svg { min-width: 34rem; }
.pictures figcaption { color: var(--ink); font-weight: 600; margin-bottom: .4rem; }
.narrow { display: none; }
@media screen and (max-width: 34rem) { .wide { display: none; } .narrow { display: block; } }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1rem; margin: .4rem 0 0; padding: 0; list-style: none; }
.legend { color: var(--muted); font-size: .875rem; }
.legend li { overflow-wrap: anywhere; }
.legend .key { height: 0; border-top: .2rem solid var(--key); }
.legend .key.dashed { border-top-style: dashed; }
.key { display: inline-block; width: .9rem; height: .2rem; margin-right: .4rem; }
.key { vertical-align: middle; border-radius: 1px; print-color-adjust: exact; }
.square:not(:first-child) { margin-left: 1rem; }
.key.accent { background: var(--accent); } .key.warm { background: var(--warm); }
.square { height: .8rem; border-radius: 2px; }
ol.mistakes { list-style: none; margin: 0; padding: 0; }
.mistakes li { padding: .9rem 0; border-top: 1px solid var(--rule); }
.mistakes q { display: block; quotes: none; white-space: pre-line; }
details { margin-top: .9rem; }
summary { cursor: pointer; color: var(--muted); font-size: .9375rem; }
details[open] summary { margin-bottom: .7rem; }
details h3 { margin: 1.2rem 0 .2rem; font-size: .9375rem; font-weight: 600; overflow-wrap: anywhere; }
details p { margin: 0 0 .5rem; max-width: 40rem; overflow-wrap: anywhere; }
mark { background: var(--rule); color: inherit; }
pre {
  padding: .8rem 1rem; overflow-x: auto; background: var(--shade); border-radius: 4px;
  font: .8125rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
}
code { font: .875em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.facts { margin-top: 1rem; }
.facts th { width: 14rem; color: var(--muted); font-weight: 400; }
@media (max-width: 34rem) {
  body { padding-top: 1.75rem; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  th, td { padding-right: .55rem; }
  .facts th { width: 9rem; }
}
@page { margin: 14mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  section { margin-top: 1.6rem; } h2 { break-after: avoid; }
  figure, tr, .mistakes li, .figures { break-inside: avoid; }
  pre { white-space: pre-wrap; }
  details:not([open]) { display: none; }
}
`;
