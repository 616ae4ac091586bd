import type { Settings } from "../../arch/fields.ts";
import { exactCurve } from "../curve.ts";
import { exactRescale, exactSum, zeros } from "../elementwise.ts";
import { exactLinear } from "../linear/exact.ts";
import { inSteps } from "../steps.ts";
import type { QRnn } from "./quantize.ts";

/** h after every step of a sequence from 0; element t of the result belongs to element t of the inputs. */
export function exactRnn(
  q: QRnn,
  inputs: readonly (readonly Int32Array[])[],
  reverse: boolean,
  arch: Settings,
): Int32Array[] {
  const steps = inputs[0]!.map((_, t) => inputs.map((part) => part[t]!));
  let h = zeros(q.hiddenSize, q.hidden);
  return inSteps(steps, reverse, (x) => {
    h = exactRnnCell(q, x, h, arch);
    return h;
  });
}

/** One step; `inputs` are the parts that x is concatenated from. */
export function exactRnnCell(
  q: QRnn,
  inputs: readonly Int32Array[],
  h: Int32Array,
  arch: Settings,
): Int32Array {
  const sums = exactSum(
    q.sum,
    exactLinear(q.productX, inputs, arch),
    exactLinear(q.productH, [h], arch),
    1,
    arch,
  );
  const bent = q.tanh
    ? exactCurve(q.tanh, sums, arch)
    : sums.map((code) => Math.max(code, q.sum.output.zero));
  return q.shown ? exactRescale(q.shown, bent, arch) : bent;
}
