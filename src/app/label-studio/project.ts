/** A project of Label Studio: what its tasks hold and how they are labelled. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { asRecord } from "../../tune/data/label-studio/control-answer.ts";
import type { LabelStudioClient } from "./client.ts";

export interface Project {
  readonly id: number;
  /** The control that labels are chosen in. */
  readonly control: ProjectControl;
  /** Fields that a task must have. */
  readonly fields: readonly string[];
  /** Whose predictions people see. */
  readonly modelVersion: string;
  /** The order in which people get tasks. */
  readonly sampling: string;
}

export interface ProjectControl {
  readonly name: string;
  readonly toName: string;
  readonly kind: "Choices" | "Taxonomy";
  /** Of a taxonomy these are the names of its nodes, not its paths. */
  readonly labels: readonly string[];
  readonly several: boolean;
}

export interface NewProject {
  readonly title: string;
  readonly labels: readonly string[];
  readonly several: boolean;
  /** Fields that people see. */
  readonly texts: readonly string[];
  /** A field with a list of messages, seen as a dialogue. */
  readonly dialogue: { readonly field: string; readonly role: string; readonly content: string } | undefined;
}

/** People get the tasks first whose predictions have the lowest score. */
const UNCERTAINTY = "Uncertainty sampling";

/** @throws UserError when the server refuses */
export async function createProject(client: LabelStudioClient, project: NewProject): Promise<Project> {
  const answer = await client.post("/api/projects/", {
    title: project.title,
    label_config: labelConfig(project),
    sampling: UNCERTAINTY,
  });
  return openProject(client, Number(asRecord(answer).id), null);
}

/**
 * @param wanted name of the control; null: the only one of choices or a taxonomy
 * @throws UserError when there is no such project, or its labelling interface has no such control
 */
export async function openProject(client: LabelStudioClient, id: number, wanted: string | null): Promise<Project> {
  const answer = asRecord(await client.get(`/api/projects/${id}/`));
  const config = typeof answer.label_config === "string" ? answer.label_config : "";
  const controls = Object.entries(asRecord(answer.parsed_label_config));
  const usable = controls.flatMap(([name, control]) => controlOf(name, asRecord(control), config) ?? []);
  const names = usable.map(({ name }) => name);
  const control = wanted === null ? usable[0] : usable.find(({ name }) => name === wanted);
  if (control === undefined || (wanted === null && usable.length > 1)) {
    throw new UserError({
      code: "label-studio/control",
      message:
        control === undefined
          ? `project ${id} has no control of choices or a taxonomy${wanted === null ? "" : ` named ${wanted}`}`
          : `project ${id} has several controls`,
      where: `${client.access.url}/projects/${id}/settings/labeling`,
      fix:
        control === undefined && wanted === null
          ? "add one, such as <Choices>, to its labelling interface"
          : `name one with --control; ${suggestName(wanted ?? "", names)}`,
    });
  }
  const inputs = controls.flatMap(([, one]) => (asRecord(one).inputs ?? []) as readonly unknown[]);
  return {
    id,
    control,
    fields: [...new Set(inputs.map((input) => String(asRecord(input).value)))],
    modelVersion: typeof answer.model_version === "string" ? answer.model_version : "",
    sampling: typeof answer.sampling === "string" ? answer.sampling : "",
  };
}

/** Whether people get the least certain tasks first. */
export function isByUncertainty({ sampling }: Project): boolean {
  return sampling === UNCERTAINTY;
}

function controlOf(
  name: string,
  { type, to_name, labels }: Readonly<Record<string, unknown>>,
  config: string,
): ProjectControl | undefined {
  if (type !== "Choices" && type !== "Taxonomy") return undefined;
  const tag = [...config.matchAll(/<(?:Choices|Taxonomy)\b[^>]*>/g)]
    .map(([text]) => text)
    .find((text) => /\bname\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(text)?.slice(1).includes(name));
  return {
    name,
    kind: type,
    toName: String(Array.isArray(to_name) ? to_name[0] : to_name),
    labels: Array.isArray(labels) ? labels.map(String) : [],
    several: type === "Taxonomy" || /\bchoice\s*=\s*["']multiple["']/.test(tag ?? ""),
  };
}

/** Labels as buttons under what is read; they have keys of their own, from 1 on. */
export function labelConfig({ labels, several, texts, dialogue }: NewProject): string {
  const objects =
    dialogue === undefined
      ? texts.map((field, i) => {
          const header = texts.length > 1 ? `  <Header value="${escaped(field)}"/>\n` : "";
          return `${header}  <Text name="${i === 0 ? "text" : `text${i + 1}`}" value="$${escaped(field)}"/>`;
        })
      : [
          `  <Paragraphs name="text" value="$${escaped(dialogue.field)}" layout="dialogue" ` +
            `nameKey="${dialogue.role}" textKey="${dialogue.content}"/>`,
        ];
  return [
    "<View>",
    ...objects,
    `  <Choices name="${several ? "labels" : "label"}" toName="text" choice="${several ? "multiple" : "single"}" showInLine="true">`,
    ...labels.map((label) => `    <Choice value="${escaped(label)}"/>`),
    "  </Choices>",
    "</View>",
  ].join("\n");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
}
