import { floorDiv } from "../../fixed/round.ts";
import { stridesOf, UNKNOWN } from "../tensor.ts";
import { type Call, ints, like, movedList, type Op, real, text } from "./define.ts";

/** Which element of an axis of `size` stands at place `i` of the padded one; -1 where it is the constant. */
type Mode = (i: number, size: number) => number;

const MODES: Readonly<Record<string, Mode>> = {
  constant: (i, size) => (i >= 0 && i < size ? i : -1),
  edge: (i, size) => Math.min(size - 1, Math.max(0, i)),
  reflect(i, size) {
    const period = 2 * (size - 1);
    if (period <= 0) return 0;
    const at = i - period * floorDiv(i, period);
    return Math.min(at, period - at);
  },
  wrap: (i, size) => i - size * floorDiv(i, size),
};

/** Elements before and behind each axis, which may be below 0; undefined where they are not known. */
function padsOf(call: Call, rank: number): readonly (readonly [number, number])[] | undefined {
  const pads = movedList(call, { name: "pads", input: 1, from: 11 });
  const axes = call.opset < 18 || !call.has(3) ? "absent" : call.numbers(3);
  if (pads === undefined || axes === undefined) return undefined;
  if (pads === "absent") return call.refuse("needs pads");
  const along = axes === "absent" ? Array.from({ length: rank }, (_, i) => i) : call.axes(axes, rank);
  if (pads.length !== 2 * along.length)
    call.refuse(`pads [${pads.join(", ")}] are not 2 for each of ${along.length} axes`);
  return Array.from({ length: rank }, (_, axis) => {
    const i = along.indexOf(axis);
    return i < 0 ? [0, 0] : [pads[i]!, pads[along.length + i]!];
  });
}

export const pad: Op = {
  ...{ name: "Pad", target: "layout", inputs: [1, 4] },
  attributes: [
    ...[ints("pads", undefined, { to: 10 }), real("value", 0, { to: 10 })],
    text("mode", "constant", { choices: ["constant", "reflect", "edge"], to: 18 }),
    text("mode", "constant", { choices: Object.keys(MODES), from: 19 }),
  ],
  infer(call) {
    const shape = call.shape(0);
    const pads = shape && padsOf(call, shape.length);
    if (shape === undefined || pads === undefined)
      return like(
        call,
        shape?.map(() => UNKNOWN),
      );
    return like(
      call,
      shape.map((size, axis) => {
        const [before, behind] = pads[axis]!;
        if (before === 0 && behind === 0) return size;
        if (typeof size === "string") return UNKNOWN;
        const padded = size + before + behind;
        if (!(padded >= 0) || (size === 0 && call.text("mode") !== "constant"))
          call.refuse(`pads of ${before} and ${behind} for ${size} elements`);
        return padded;
      }),
    );
  },
  compute(call, [x, , value], [y]) {
    const mode = MODES[call.text("mode")]!;
    const pads = padsOf(call, x!.shape.length)!;
    const constant = call.opset < 11 ? call.real("value") : (value?.data[0] ?? 0);
    const strides = stridesOf(x!.shape);
    // Offsets of the outer axes so far; -1 for places that hold the constant.
    let offsets = Int32Array.of(0);
    for (const [axis, size] of y!.shape.entries()) {
      const places = Int32Array.from({ length: size }, (_, i) => mode(i - pads[axis]![0], x!.shape[axis]!));
      const next = new Int32Array(offsets.length * size);
      let at = 0;
      for (const offset of offsets)
        for (const place of places)
          next[at++] = offset < 0 || place < 0 ? -1 : offset + place * strides[axis]!;
      offsets = next;
    }
    for (let i = 0; i < offsets.length; i++) y!.data[i] = offsets[i]! < 0 ? constant : x!.data[offsets[i]!]!;
  },
};
