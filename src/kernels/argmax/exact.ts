/** Index of the first largest code. */
export function exactArgmax(codes: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < codes.length; i++) if (codes[i]! > codes[best]!) best = i;
  return best;
}
