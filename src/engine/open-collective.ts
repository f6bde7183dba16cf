import { type Collective, noCollective } from "./device/collective/collective.ts";
import { LinkCollective } from "./device/collective/link-collective.ts";
import { MpiCollective } from "./device/collective/mpi-collective.ts";
import type { ProcessGroup } from "./device/collective/process-group.ts";
import type { CudaDevice } from "./device/cuda/cuda-device.ts";
import type { Device } from "./device/device.ts";

/**
 * What sums arrays of a device over the processes of a group: NCCL on cards; otherwise MPI where mpirun started them, and
 * the connections that they have where something else did.
 * @throws UserError where the library that it takes is missing
 */
export function openCollective(group: ProcessGroup, device: Device): Collective {
  if (group.size === 1) return noCollective(group);
  if (device.name === "cuda") return (device as CudaDevice).join(group);
  const bytesOf = device.hostBytes?.bind(device);
  if (bytesOf === undefined) throw new Error(`device ${device.name} has no collectives`);
  return group.place!.mpi ? new MpiCollective(group, bytesOf) : new LinkCollective(group, bytesOf);
}
