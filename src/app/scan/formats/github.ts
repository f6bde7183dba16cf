/**
 * Workflow commands that GitHub Actions shows beside the lines of a change:
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
import type { Severity } from "../../../base/taxonomy/taxonomy.ts";
import type { ScanProblem } from "../scan-result.ts";
import { counted, findingText, gravestFirst, oneLine, openFindings, rulesByLabel } from "./finding-text.ts";
import type { ScanFormat } from "./format.ts";

export const github: ScanFormat = {
  name: "github",
  summary: "annotations of a GitHub Actions workflow, as many as it shows",
  write(result, { prefix }) {
    const rules = rulesByLabel(result);
    const problems = result.problems.map((problem) => ofProblem(problem, prefix));
    const findings = gravestFirst(openFindings(result)).map((finding): Annotation => {
      const rule = rules.get(finding.label)!;
      const { startLine, endLine } = finding.region;
      return {
        command: COMMANDS[finding.severity],
        properties: {
          file: oneLine(prefix + finding.path),
          line: startLine,
          endLine,
          title: oneLine(`${finding.severity}: ${rule.title}`),
        },
        message: [findingText(finding, rule), oneLine(rule.fix)].filter((part) => part !== "").join("\n"),
      };
    });
    return bounded([...problems, ...findings]);
  },
};

type Command = "error" | "warning" | "notice";

interface Annotation {
  readonly command: Command;
  readonly properties: Readonly<Record<string, string | number>>;
  readonly message: string;
}

const COMMANDS: Readonly<Record<Severity, Command>> = {
  low: "notice",
  medium: "warning",
  high: "error",
  critical: "error",
};

/** What GitHub keeps of a step's annotations; one notice is kept for what is left out. */
const LIMITS: Readonly<Record<Command, number>> = { error: 10, warning: 10, notice: 9 };

function ofProblem({ path, message, fatal }: ScanProblem, prefix: string): Annotation {
  return {
    command: fatal ? "error" : "warning",
    properties: { ...(path === "" ? {} : { file: oneLine(prefix + path) }), title: "not scanned" },
    message: oneLine(message),
  };
}

function bounded(annotations: readonly Annotation[]): { text: string; notes: readonly string[] } {
  const counts: Record<Command, number> = { error: 0, warning: 0, notice: 0 };
  const shown = annotations.filter(({ command }) => ++counts[command] <= LIMITS[command]);
  const left = annotations.length - shown.length;
  if (left === 0) return { text: shown.map(line).join(""), notes: [] };
  const message = `GitHub shows ${LIMITS.error} errors and ${LIMITS.warning} warnings of a step; ${counted(left, "more is", "more are")} left out here`;
  const notice = line({ command: "notice", properties: { title: "Fettle" }, message });
  return { text: shown.map(line).join("") + notice, notes: [`github: ${message}`] };
}

function line({ command, properties, message }: Annotation): string {
  const parts = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  return `::${command} ${parts.join(",")}::${escapeData(message)}\n`;
}

/** As GitHub's own toolkit does (actions/toolkit, packages/core/src/command.ts). */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
