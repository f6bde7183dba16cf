import { addCases } from "./add/add.cases.ts";
import type { OpCase } from "./op-case.ts";
import { rmsnormCases } from "./rmsnorm/rmsnorm.cases.ts";

/** Every op's conformance cases, one line an op. */
export const opCases: readonly OpCase[] = [...addCases, ...rmsnormCases];
