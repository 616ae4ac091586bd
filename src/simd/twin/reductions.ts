import { REDUCTIONS } from "../kernels.ts";
import { ints, type Twin } from "./access.ts";

type Reduction = (typeof REDUCTIONS)[number];

const STEP: { readonly [K in Reduction]: (so: number, x: number) => number } = {
  sum: (so, x) => so + x,
  squares: (so, x) => so + x * x,
  absolutes: (so, x) => so + Math.abs(x),
  maximum: (so, x) => Math.max(so, x),
};

export const reduce: Twin<"reduce"> = (memory, kind, a, aBytes, aZero, groups, n, lanes, out, outBytes) => {
  const codes = ints(memory, a, aBytes, groups * n * lanes);
  const results = ints(memory, out, outBytes, groups * lanes);
  const reduction = REDUCTIONS[kind]!;
  const step = STEP[reduction];
  for (let g = 0; g < groups; g++) {
    for (let l = 0; l < lanes; l++) {
      let so = reduction === "maximum" ? -Infinity : 0;
      for (let i = 0; i < n; i++) so = step(so, codes[(g * n + i) * lanes + l]! - aZero);
      results[g * lanes + l] = so;
    }
  }
};

export const argmax: Twin<"argmax"> = (memory, a, aBytes, n, lanes, out) => {
  const codes = ints(memory, a, aBytes, n * lanes);
  const results = ints(memory, out, 2, lanes);
  for (let l = 0; l < lanes; l++) {
    let best = 0;
    for (let i = 1; i < n; i++) if (codes[i * lanes + l]! > codes[best * lanes + l]!) best = i;
    results[l] = best;
  }
};
