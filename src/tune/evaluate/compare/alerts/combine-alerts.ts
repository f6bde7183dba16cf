import type { AlertModel, Alerts, AlertTool } from "./alert-table.ts";

/** Alerts of two or more: of either of them, of both, or of most of them. */
export function combineAlerts(models: readonly AlertModel[], tools: readonly AlertTool[]): Alerts[] {
  const several = tools.length > 1 ? [{ name: "any tool", answers: either(tools) }, mostOf(tools)] : [];
  const partners = [...tools, ...several];
  return [
    ...several,
    ...models.flatMap((model) =>
      partners.flatMap((partner) => [
        { name: `${model.name} or ${partner.name}`, answers: either([model, partner]) },
        { name: `${model.name} and ${partner.name}`, answers: both(model, partner) },
      ]),
    ),
  ];
}

function either(all: readonly Alerts[]): Uint8Array {
  return all[0]!.answers.map((_, at) => (all.some(({ answers }) => answers[at] === 1) ? 1 : 0));
}

function both(first: Alerts, second: Alerts): Uint8Array {
  return first.answers.map((answer, at) => answer & second.answers[at]!);
}

/** More than half of the tools that have a rule for the label. */
function mostOf(tools: readonly AlertTool[]): Alerts {
  const labels = tools[0]!.covers.length;
  const electorate = Array.from({ length: labels }, (_, label) => tools.filter(({ covers }) => covers[label]));
  const answers = tools[0]!.answers.map((_, at) => {
    const voters = electorate[at % labels]!;
    return 2 * voters.filter((tool) => tool.answers[at] === 1).length > voters.length ? 1 : 0;
  });
  return { name: "most tools", answers };
}
