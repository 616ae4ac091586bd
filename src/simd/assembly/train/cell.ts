import { accumulateAt, read, sigmoid4, sigmoidSlope, tanh4, tanhSlope, write } from "./lanes";

// The LSTM's step after its sums: gates [rows][4 n] in blocks i, f, g, o. A capped input gate is min(i, 1 - f).

/** next = s(f + forgetBias) c + s(i) tanh(g), all [rows][n]; `saved` is [rows][3 n]: the three gates' values. */
export function cell(
  gates: usize,
  c: usize,
  next: usize,
  saved: usize,
  rows: i32,
  n: i32,
  forgetBias: f32,
  capped: i32,
): void {
  const block = n << 2;
  for (let row = 0; row < rows; row++, gates += 4 * block, c += block, next += block, saved += 3 * block) {
    for (let j = 0; j < block; j += 16) {
      const left = (block - j) >> 2;
      const i = sigmoid4(read(gates + j, left));
      const f = sigmoid4(f32x4.add(read(gates + block + j, left), f32x4.splat(forgetBias)));
      const g = tanh4(read(gates + 2 * block + j, left));
      write(saved + j, i, left);
      write(saved + block + j, f, left);
      write(saved + 2 * block + j, g, left);
      const open = capped ? f32x4.min(i, f32x4.sub(f32x4.splat(1), f)) : i;
      write(next + j, f32x4.add(f32x4.mul(f, read(c + j, left)), f32x4.mul(open, g)), left);
    }
  }
}

/** From the gradient `up` of next to those of the gates (not o's) and of c, added. */
export function cellBack(
  c: usize,
  saved: usize,
  up: usize,
  gGates: usize,
  gC: usize,
  rows: i32,
  n: i32,
  capped: i32,
): void {
  const block = n << 2;
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < block; j += 16) {
      const left = (block - j) >> 2;
      const i = read(saved + j, left);
      const f = read(saved + block + j, left);
      const g = read(saved + 2 * block + j, left);
      const u = read(up + j, left);
      let open = i;
      let toI = f32x4.mul(u, g);
      let toF = f32x4.mul(u, read(c + j, left));
      if (capped) {
        const rest = f32x4.sub(f32x4.splat(1), f);
        const isCut = f32x4.lt(rest, i);
        open = f32x4.min(i, rest);
        toF = f32x4.sub(toF, v128.and(toI, isCut));
        toI = v128.andnot(toI, isCut);
      }
      accumulateAt(gGates + j, f32x4.mul(toI, sigmoidSlope(i)), left);
      accumulateAt(gGates + block + j, f32x4.mul(toF, sigmoidSlope(f)), left);
      accumulateAt(gGates + 2 * block + j, f32x4.mul(f32x4.mul(u, open), tanhSlope(g)), left);
      accumulateAt(gC + j, f32x4.mul(u, f), left);
    }
    c += block;
    saved += 3 * block;
    up += block;
    gGates += 4 * block;
    gC += block;
  }
}

/** h = s(o) tanh(c), o the last block of the gates; `saved` is [rows][2 n]: s(o) and tanh(c). */
export function expose(gates: usize, c: usize, h: usize, saved: usize, rows: i32, n: i32): void {
  const block = n << 2;
  for (let row = 0; row < rows; row++, gates += 4 * block, c += block, h += block, saved += 2 * block) {
    for (let j = 0; j < block; j += 16) {
      const left = (block - j) >> 2;
      const o = sigmoid4(read(gates + 3 * block + j, left));
      const t = tanh4(read(c + j, left));
      write(saved + j, o, left);
      write(saved + block + j, t, left);
      write(h + j, f32x4.mul(o, t), left);
    }
  }
}

export function exposeBack(saved: usize, up: usize, gGates: usize, gC: usize, rows: i32, n: i32): void {
  const block = n << 2;
  for (let row = 0; row < rows; row++, saved += 2 * block, up += block, gGates += 4 * block, gC += block) {
    for (let j = 0; j < block; j += 16) {
      const left = (block - j) >> 2;
      const o = read(saved + j, left);
      const t = read(saved + block + j, left);
      const u = read(up + j, left);
      accumulateAt(gGates + 3 * block + j, f32x4.mul(f32x4.mul(u, t), sigmoidSlope(o)), left);
      accumulateAt(gC + j, f32x4.mul(f32x4.mul(u, o), tanhSlope(t)), left);
    }
  }
}
