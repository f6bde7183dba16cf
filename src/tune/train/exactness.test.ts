/** Packed is unpacked, on the devices that every machine has. */
import { testExactness } from "../../../tests/helpers/exactness.ts";
import { openDevice, openReferenceDevice } from "../../engine/open-device.ts";

testExactness(openReferenceDevice(), 1e-5);
testExactness((await openDevice({ device: "cpu", precision: "f32" })).device, 1e-5);
