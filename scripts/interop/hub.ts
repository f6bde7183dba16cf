/**
 * One cache for Fettle and Python's huggingface_hub: both fetch the same model from a hub on this machine, the folders
 * are compared, and each finds what the other has fetched without a download.
 *
 * `FETTLE_INTEROP_PYTHON`: a Python that has huggingface_hub and transformers; default python3.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { pullModel } from "../../src/model/files/hub/pull-model.ts";
import { HubServer, sha256 } from "../../tests/helpers/hub-server.ts";

export interface Compared {
  readonly what: string;
  readonly result: string;
  readonly ok: boolean;
}

const repo = "org/nano";
const commit = "0123456789abcdef0123456789abcdef01234567";

/** What Python writes beside the model: bookkeeping that nothing depends on, as its own documentation says. */
const bookkeeping = /^(\.locks|CACHEDIR\.TAG|models--[^/]+\/(trees|\.no_exist))(\/|$)/;

const fetchAll = `
import sys
from huggingface_hub import snapshot_download
print(snapshot_download("${repo}", allow_patterns=sys.argv[1:]))
`;

const readOffline = `
import sys
from huggingface_hub import hf_hub_download, scan_cache_dir
from transformers import AutoConfig, AutoTokenizer
for name in sys.argv[1:]:
    hf_hub_download("${repo}", name)
tokenizer = AutoTokenizer.from_pretrained("${repo}")
config = AutoConfig.from_pretrained("${repo}")
info = scan_cache_dir()
assert not info.warnings, info.warnings
revisions = [revision for one in info.repos for revision in one.revisions]
print(config.model_type, len(tokenizer("Stocks fell").input_ids), revisions[0].commit_hash, *revisions[0].refs)
`;

export async function compare(): Promise<readonly Compared[]> {
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-hub-"));
  await using server = await HubServer.start();
  try {
    const folder = join(packageRoot, "models/fettle-nano");
    const names = readdirSync(folder).filter((name) => /\.(json|jinja|safetensors)$/.test(name));
    const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
    server.models[repo] = { commit, files, large: ["model.safetensors", "tokenizer.json"] };
    const ours = join(scratch, "ours/hub");
    const theirs = join(scratch, "theirs/hub");

    await pull(server, ours, false);
    const { failed } = await python(server, theirs, fetchAll, names, false);
    if (failed !== undefined)
      return [{ what: "hub cache: huggingface_hub fetches a model", result: failed, ok: false }];
    const layouts = [ours, theirs].map(layoutOf);
    const differences = differencesOf(layouts[0]!, layouts[1]!);
    const same: Compared = {
      what: "hub cache: files, links and refs as huggingface_hub makes them",
      result: differences.length > 0 ? `differ: ${differences.join(", ")}` : `${layouts[0]!.size} entries equal`,
      ok: differences.length === 0,
    };

    server.requests.length = 0;
    const read = await python(server, ours, readOffline, names, true);
    const found: Compared = {
      what: "hub cache: transformers opens offline what Fettle fetched",
      result: read.failed ?? `${read.output}; ${server.requests.length} requests`,
      ok: read.failed === undefined && read.output.endsWith(`${commit} main`) && server.requests.length === 0,
    };

    const offline = await pull(server, theirs, true);
    const online = await pull(server, theirs, false);
    const reused: Compared = {
      what: "hub cache: Fettle takes what huggingface_hub fetched",
      result: `${offline} bytes fetched offline, ${online} online; ${server.downloads.length} downloads`,
      ok: offline + online + server.downloads.length === 0,
    };
    return [same, found, reused];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @returns bytes fetched */
async function pull({ endpoint }: HubServer, cacheFolder: string, offline: boolean): Promise<number> {
  const access = { cacheFolder, endpoint, token: undefined, offline };
  return (await pullModel({ repo, revision: "main" }, access, { onEvent: () => {} })).bytesFetched;
}

/** Its last line; or the last line of what it says went wrong. */
async function python(
  { endpoint }: HubServer,
  cache: string,
  program: string,
  words: readonly string[],
  offline: boolean,
): Promise<{ readonly output: string; readonly failed?: string }> {
  const hub = {
    HF_HUB_CACHE: cache,
    HF_HOME: join(cache, ".."),
    HF_ENDPOINT: endpoint,
    HF_HUB_OFFLINE: offline ? "1" : "0",
  };
  const child = spawn(process.env.FETTLE_INTEROP_PYTHON ?? "python3", ["-c", program, ...words], {
    env: { ...process.env, ...hub },
  });
  const texts = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    texts.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    texts.err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      texts.err += error.message;
      resolve(null);
    });
    child.once("close", resolve);
  });
  const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
  return { output: lastLine(texts.out), ...(code !== 0 && { failed: lastLine(texts.err) }) };
}

/** Path -> where a link leads, or the sha256 of a file. */
function layoutOf(cache: string): Map<string, string> {
  const layout = new Map<string, string>();
  for (const entry of readdirSync(cache, { withFileTypes: true, recursive: true })) {
    const full = join(entry.parentPath, entry.name);
    const path = relative(cache, full);
    if (bookkeeping.test(path)) continue;
    if (entry.isSymbolicLink()) layout.set(path, `-> ${readlinkSync(full)}`);
    else if (entry.isFile()) layout.set(path, sha256(readFileSync(full)));
  }
  return layout;
}

function differencesOf(ours: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): string[] {
  const paths = [...new Set([...ours.keys(), ...theirs.keys()])];
  return paths.filter((path) => ours.get(path) !== theirs.get(path));
}
