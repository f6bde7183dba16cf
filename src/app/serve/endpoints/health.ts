/** For whoever starts and watches the server, and for Prometheus. */
import { ApiError } from "../http/api-error.ts";
import type { Endpoint } from "../http/endpoint.ts";
import { metricsPage } from "../metrics/metrics-page.ts";

/** The process answers. */
export const health: Endpoint = {
  method: "GET",
  path: "/healthz",
  access: "open",
  async answer(exchange) {
    exchange.send({ status: "ok" });
  },
};

/** The model answers too. */
export const readiness: Endpoint = {
  method: "GET",
  path: "/readyz",
  access: "open",
  async answer(exchange, { phase }) {
    if (phase === "ready") return exchange.send({ status: "ready" });
    throw new ApiError({ status: 503, message: `the server is ${phase}`, code: phase, retryAfter: 5 });
  },
};

export const metrics: Endpoint = {
  method: "GET",
  path: "/metrics",
  access: "key",
  async answer(exchange, state) {
    exchange.sendText(metricsPage(state), "text/plain; version=0.0.4; charset=utf-8");
  },
};
