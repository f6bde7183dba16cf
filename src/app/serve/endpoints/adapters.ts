/** Adapters that come and go while the server runs. */
import { resolveAdapter } from "../adapter-folder.ts";
import type { Endpoint } from "../http/endpoint.ts";
import { parseAdapterRequest } from "../requests/adapter-request.ts";

export const adapterLoading: Endpoint = {
  method: "POST",
  path: "/v1/adapters",
  access: "admin",
  async answer(exchange, { models, adapterFolders }) {
    const { name, path } = parseAdapterRequest(exchange.body);
    const warnings = await models.load(name, resolveAdapter(path, adapterFolders));
    exchange.noted.model = name;
    exchange.send({ id: name, object: "adapter", warnings }, 201);
  },
};

export const adapterUnloading: Endpoint = {
  method: "DELETE",
  path: "/v1/adapters/*",
  access: "admin",
  async answer(exchange, { models }) {
    await models.unload(exchange.rest);
    exchange.send({ id: exchange.rest, object: "adapter.deleted", deleted: true });
  },
};
