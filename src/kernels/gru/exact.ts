import type { Settings } from "../../arch/fields.ts";
import { exactCurve } from "../curve.ts";
import { exactGain, exactProduct, exactRescale, exactSum, zeros } from "../elementwise.ts";
import { exactLinear } from "../linear/exact.ts";
import { inSteps } from "../steps.ts";
import type { QGru } from "./quantize.ts";

interface GruCodes {
  readonly h: Int32Array;
  readonly state: Int32Array;
}

/** h after every step of a sequence from 0; element t of the result belongs to element t of the inputs. */
export function exactGru(
  q: QGru,
  inputs: readonly (readonly Int32Array[])[],
  reverse: boolean,
  arch: Settings,
): Int32Array[] {
  const steps = inputs[0]!.map((_, t) => inputs.map((part) => part[t]!));
  let at: GruCodes = { h: zeros(q.hiddenSize, q.hidden), state: zeros(q.hiddenSize, q.state) };
  return inSteps(steps, reverse, (x) => {
    at = exactGruCell(q, x, at, arch);
    return at.h;
  });
}

/** One step; `inputs` are the parts that x is concatenated from. */
export function exactGruCell(q: QGru, inputs: readonly Int32Array[], at: GruCodes, arch: Settings): GruCodes {
  const n = q.hiddenSize;
  const fromX = exactLinear(q.productX, inputs, arch);
  const fromH = exactLinear(q.productH, [at.h], arch);
  const sums = exactSum(q.sum, fromX.subarray(0, 2 * n), fromH.subarray(0, 2 * n), 1, arch);
  const opened = exactCurve(q.sigmoid, sums, arch);
  const [update, reset] = [opened.subarray(0, n), opened.subarray(n)];
  const gated = exactProduct(q.gated, reset, q.productN ? at.h : fromH.subarray(2 * n), arch);
  const added = q.productN ? exactLinear(q.productN, [gated], arch) : gated;
  const candidate = exactCurve(q.tanh, exactSum(q.candidateSum, fromX.subarray(2 * n), added, 1, arch), arch);
  const kept = exactProduct(q.kept, update, at.state, arch);
  const fresh = exactProduct(q.added, exactGain(q.complement, update, arch), candidate, arch);
  const state = exactSum(q.stateSum, kept, fresh, 1, arch);
  return { state, h: exactRescale(q.shown, state, arch) };
}
