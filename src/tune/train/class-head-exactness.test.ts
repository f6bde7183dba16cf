import { testClassHeadExactness } from "../../../tests/helpers/class-head-exactness.ts";
import { openDevice, openReferenceDevice } from "../../engine/open-device.ts";

testClassHeadExactness(openReferenceDevice(), 1e-5);
testClassHeadExactness((await openDevice({ device: "cpu", precision: "f32" })).device, 1e-5);
