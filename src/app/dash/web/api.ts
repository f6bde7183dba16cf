/** Asks the server. */
import type { Changes, Curves, RunDetail, RunSummary } from "../wire.ts";

/** From the address the page was opened with; kept for this tab only, and taken out of the address. */
function takeToken(): string | null {
  const given = /[#&]token=([^&]+)/.exec(location.hash)?.[1];
  if (given !== undefined) {
    sessionStorage.setItem("token", decodeURIComponent(given));
    history.replaceState(null, "", `${location.pathname}#/`);
  }
  return sessionStorage.getItem("token");
}

const token = takeToken();
const headers: Record<string, string> = token === null ? {} : { Authorization: `Bearer ${token}` };

export async function runs(): Promise<{ readonly root: string; readonly runs: readonly RunSummary[] }> {
  return await get("api/runs");
}

export function detail(id: string): Promise<RunDetail> {
  return get(`api/run/${encodeURIComponent(id)}`);
}

export function curves(id: string): Promise<Curves> {
  return get(`api/curves/${encodeURIComponent(id)}`);
}

export async function act(what: "stop" | "resume", id: string): Promise<void> {
  const response = await fetch(`api/${what}/${encodeURIComponent(id)}`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: "{}",
  });
  await refuse(response);
}

/**
 * Calls back for each change, for as long as the page lives; `onState` hears whether the server can be heard. EventSource
 * sends no headers, hence fetch.
 */
export async function listen(onChange: (changes: Changes) => void, onState: (there: boolean) => void): Promise<never> {
  for (;;) {
    try {
      const response = await fetch("api/changes", { headers });
      await refuse(response);
      onState(true);
      await readEvents(response.body!, onChange);
    } catch {
      onState(false);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

async function readEvents(body: ReadableStream<Uint8Array>, onChange: (changes: Changes) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) onChange(JSON.parse(event.slice("data: ".length)) as Changes);
  }
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path, { headers });
  await refuse(response);
  return (await response.json()) as T;
}

async function refuse(response: Response): Promise<void> {
  if (response.ok) return;
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  throw new Error(body?.error?.message ?? `the server answered ${response.status}`);
}
