import type { Check } from "../../doctor/check.ts";
import { type ContainerView, checkContainer } from "../../doctor/check-container.ts";
import { checkDevices } from "../../doctor/check-devices.ts";
import { checkMachine } from "../../doctor/check-machine.ts";
import { checkPackage } from "../../doctor/check-package.ts";
import { deviceEnvironment, hubAccess } from "../../environment.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { printable } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

/** `fettle doctor` */
export const doctor: CommandModule = {
  define(command) {
    addExamples(command, [["fettle doctor", "what this machine offers; exits with 1 when something does not work"]]);
  },

  async run(_command, terminal) {
    const checks = [checkPackage(), ...(await checkMachine()), ...checkContainer(ownView()), ...(await checkDevices())];
    for (const check of checks) printCheck(check, terminal);
    const passed = checks.every(({ status }) => status !== "problem");
    return { json: { kind: "doctor", ok: passed, checks }, passed };
  },
};

function ownView(): ContainerView {
  const { cacheFolder } = deviceEnvironment();
  const cacheFolders = [...(cacheFolder === undefined ? [] : [cacheFolder]), hubAccess().cacheFolder];
  return { root: "/", folder: process.cwd(), cacheFolders, env: process.env };
}

function printCheck({ name, status, found, fix }: Check, terminal: Terminal): void {
  const { green, yellow, red, bold, dim } = terminal.colors;
  const sign = { ok: green("ok     "), warning: yellow("warning"), problem: red("problem") }[status];
  terminal.print(`${sign}  ${bold(name)}: ${printable(found)}`);
  if (fix !== undefined) terminal.print(`         ${dim("what to do:")} ${printable(fix)}`);
}
