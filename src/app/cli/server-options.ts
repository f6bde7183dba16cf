/** What every command takes that talks to a Label Studio server. */
import type { Command } from "commander";
import type { EventSink } from "../../base/events.ts";
import { LabelStudioClient } from "../label-studio/client.ts";
import { isExposed, serverAccess } from "../label-studio/server-access.ts";

/** Adds `--url` and `--api-key`. */
export function addServerOptions(command: Command): void {
  command
    .option("--url <address>", "of the server; default: LABEL_STUDIO_URL, otherwise http://localhost:8080")
    .option(
      "--api-key <token>",
      "access token; better set LABEL_STUDIO_API_KEY, which others do not see in a list of processes",
    );
}

/** @throws UserError when there is no key, or the address is none */
export function serverOf(command: Command, onEvent: EventSink): LabelStudioClient {
  const { url, apiKey } = command.opts<{ readonly url?: string; readonly apiKey?: string }>();
  const access = serverAccess(url, apiKey);
  if (isExposed(access)) {
    onEvent({
      kind: "note",
      level: "warning",
      message: `the key goes to ${access.url} without encryption: take https`,
    });
  }
  return new LabelStudioClient(access);
}
