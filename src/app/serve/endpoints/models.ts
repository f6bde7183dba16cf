/** https://platform.openai.com/docs/api-reference/models */
import type { Endpoint } from "../http/endpoint.ts";
import type { ServedModel } from "../served-model.ts";

export const modelList: Endpoint = {
  method: "GET",
  path: "/v1/models",
  access: "key",
  async answer(exchange, { models }) {
    exchange.send({ object: "list", data: models.all.map(modelCard) });
  },
};

export const modelByName: Endpoint = {
  method: "GET",
  path: "/v1/models/*",
  access: "key",
  async answer(exchange, { models }) {
    exchange.send(modelCard(models.get(exchange.rest)));
  },
};

function modelCard({
  id,
  created,
  parent,
  context,
  isClassifier,
  facts: { labels, description },
}: ServedModel): object {
  return {
    id,
    object: "model",
    created,
    owned_by: "fettle",
    parent,
    description,
    max_model_len: context,
    generates: !isClassifier,
    labels: labels ?? null,
  };
}
