/** Files for clusters hang together: the shell reads the scripts, and pods are found under the names they are given. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { packageRoot } from "../../src/base/package-root.ts";

const folder = join(packageRoot, "examples/cluster");

for (const name of ["train.sbatch", "sweep.sbatch"]) {
  test(`${name} is a shell script, with SLURM's lines before the first command`, () => {
    const { status, stderr } = spawnSync("bash", ["-n", join(folder, name)], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    const lines = readFileSync(join(folder, name), "utf8").split("\n");
    const first = lines.findIndex((line) => line !== "" && !line.startsWith("#"));
    assert.ok(lines.findLastIndex((line) => line.startsWith("#SBATCH --")) < first);
  });
}

interface Pod {
  readonly subdomain: string;
  readonly containers: readonly {
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts: readonly { readonly name: string }[];
  }[];
  readonly volumes: readonly { readonly name: string }[];
}

test("kubernetes.yaml: the service gives the pods the names that MASTER_ADDR takes", () => {
  const text = readFileSync(join(folder, "kubernetes.yaml"), "utf8");
  const [service, job] = parseAllDocuments(text).map((document) => document.toJS());
  const pod = job.spec.template.spec as Pod;
  const { env, volumeMounts } = pod.containers[0]!;
  const variable = (name: string): string | undefined => env.find((one) => one.name === name)?.value;
  assert.equal(job.spec.completionMode, "Indexed");
  assert.equal(service.metadata.name, pod.subdomain);
  assert.equal(service.spec.selector["job-name"], job.metadata.name);
  assert.equal(variable("MASTER_ADDR"), `${job.metadata.name}-0.${pod.subdomain}`);
  assert.deepEqual(
    [job.spec.completions, job.spec.parallelism],
    [Number(variable("WORLD_SIZE")), Number(variable("WORLD_SIZE"))],
  );
  assert.deepEqual(
    volumeMounts.map(({ name }) => name),
    pod.volumes.map(({ name }) => name),
  );
});
