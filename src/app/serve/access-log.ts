/** A line for each request: what it asked for and what it took, never what it said or which key it brought. */
import type { Exchange } from "./http/exchange.ts";

export type LogForm = "text" | "json" | "none";

/** @param line takes a line without its end */
export function accessLog(form: LogForm, line: (text: string) => void): (entry: LogEntry) => void {
  if (form === "none") return () => {};
  return (entry) => line(form === "json" ? JSON.stringify(entry) : textOf(entry));
}

export interface LogEntry {
  readonly time: string;
  readonly event: "request";
  readonly id: string;
  /** Address that the request came from. */
  readonly from: string;
  readonly method: string;
  /** Of the list of endpoints, or `other`: paths that others made up are not repeated. */
  readonly endpoint: string;
  readonly status: number;
  readonly ms: number;
  /** The error's, where there was one. */
  readonly code?: string;
  readonly model?: string;
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  readonly rows?: number;
}

/** @param outcome status 499 says that the client was gone before its answer */
export function logEntry(
  exchange: Pick<Exchange, "id" | "request" | "noted" | "began"> & { readonly from: string },
  outcome: { readonly endpoint: string; readonly status: number; readonly code: string | undefined },
): LogEntry {
  const { firstTokenMs: _, ...noted } = exchange.noted;
  return {
    time: new Date().toISOString(),
    event: "request",
    id: exchange.id,
    from: exchange.from,
    method: exchange.request.method ?? "",
    endpoint: outcome.endpoint,
    status: outcome.status,
    ms: Math.round((performance.now() - exchange.began) * 10) / 10,
    ...(outcome.code !== undefined && { code: outcome.code }),
    ...noted,
  };
}

function textOf({ time, from, method, endpoint, status, ms, code, model, ...rest }: LogEntry): string {
  const { promptTokens, completionTokens, rows } = rest;
  const parts = [time, from, method, endpoint, String(status), `${ms} ms`];
  if (model !== undefined) parts.push(model);
  if (rows !== undefined) parts.push(`${rows} rows`);
  if (promptTokens !== undefined) parts.push(`${promptTokens}+${completionTokens ?? 0} tokens`);
  if (code !== undefined) parts.push(code);
  return parts.join(" ");
}
