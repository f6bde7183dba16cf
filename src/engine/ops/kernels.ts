/**
 * The op folders, one line each. A folder NAME holds NAME.ts (contract and gradient rule), NAME.reference.ts,
 * NAME.c and NAME.cases.ts.
 */
import type { ReferenceKernels } from "../device/reference/reference-device.ts";
import { addReference } from "./add/add.reference.ts";
import { rmsnormReference } from "./rmsnorm/rmsnorm.reference.ts";

export const referenceKernelsByOp: Readonly<Record<string, ReferenceKernels>> = {
  add: addReference,
  rmsnorm: rmsnormReference,
};
