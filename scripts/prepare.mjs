/** Builds after an install from the repository. */
import { execSync } from "node:child_process";
import { existsSync } from "node:fs";

const run = (command) => execSync(command, { stdio: "inherit" });

// `npm install --global git+URL`, which is how pre-commit installs, hands `--global` on to the installation of the
// repository's own packages, so that they are not there.
if (!existsSync("node_modules/typescript"))
  run("npm ci --global=false --location=project --ignore-scripts --no-audit --no-fund");
run("npm run build");
