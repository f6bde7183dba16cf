/** Labels of texts or rows with calibrated probabilities. */
import { classifyRows } from "../classify-rows.ts";
import { invalid } from "../http/api-error.ts";
import type { Endpoint } from "../http/endpoint.ts";
import { parseClassifyRequest } from "../requests/classify-request.ts";

export const classify: Endpoint = {
  method: "POST",
  path: "/v1/classify",
  access: "key",
  asksModel: true,
  async answer(exchange, { models, limits }) {
    const { model: name, input } = parseClassifyRequest(exchange.body);
    const model = models.get(name);
    exchange.noted.model = model.id;
    const rows = typeof input === "string" ? [input] : input;
    if (rows.length > limits.inputs) throw invalid("input", `input: at most ${limits.inputs} at once`);
    exchange.noted.rows = rows.length;
    const data = await classifyRows(model, rows, exchange.signal);
    exchange.send({
      object: "list",
      id: `classify-${exchange.id}`,
      created: Math.floor(Date.now() / 1000),
      model: model.id,
      data,
    });
  },
};
