import { accumulateAt, read, readOrSplat, sigmoid4, sigmoidSlope, sumOf, tanh4, tanhSlope, write } from "./lanes";

/** out[i][j] = a[i][j] + b[i * bRow + j * bColumn]; a stride of 0 broadcasts. */
export function add(a: usize, b: usize, bRow: i32, bColumn: i32, out: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j += 4, a += 16, out += 16) {
      const left = columns - j;
      const y = readOrSplat(b + ((i * bRow + j * bColumn) << 2), bColumn, left);
      write(out, f32x4.add(read(a, left), y), left);
    }
    const over = back(columns);
    a -= over;
    out -= over;
  }
}

/** Bytes that a loop in steps of four has gone beyond the end of a row. */
@inline
function back(columns: i32): usize {
  return (((columns + 3) & ~3) - columns) << 2;
}

/** out[i][j] (+)= a[i][j] * b[i * bRow + j * bColumn]; `keep` 1 adds. */
export function multiply(
  a: usize,
  b: usize,
  bRow: i32,
  bColumn: i32,
  out: usize,
  rows: i32,
  columns: i32,
  keep: i32,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j += 4, a += 16, out += 16) {
      const left = columns - j;
      const y = readOrSplat(b + ((i * bRow + j * bColumn) << 2), bColumn, left);
      const z = f32x4.mul(read(a, left), y);
      if (keep) accumulateAt(out, z, left);
      else write(out, z, left);
    }
    const over = back(columns);
    a -= over;
    out -= over;
  }
}

/** to[i * toRow + j * toColumn] += g[i][j] * a[i][j], or g[i][j] where `a` is 0: what a broadcast takes back. */
export function reduceInto(g: usize, a: usize, to: usize, toRow: i32, toColumn: i32, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    const at = to + ((i * toRow) << 2);
    let sum = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      let x = read(g + (j << 2), left);
      if (a != 0) x = f32x4.mul(x, read(a + (j << 2), left));
      if (toColumn == 0) sum = f32x4.add(sum, x);
      else accumulateAt(at + (j << 2), x, left);
    }
    if (toColumn == 0) store<f32>(at, load<f32>(at) + sumOf(sum));
    g += columns << 2;
    if (a != 0) a += columns << 2;
  }
}

/** to[i * toRow + j] (+)= factor * from[i * fromRow + j]; `keep` 1 adds. */
export function move(
  from: usize,
  fromRow: i32,
  to: usize,
  toRow: i32,
  rows: i32,
  columns: i32,
  factor: f32,
  keep: i32,
): void {
  const f = f32x4.splat(factor);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const x = f32x4.mul(read(from + (j << 2), left), f);
      if (keep) accumulateAt(to + (j << 2), x, left);
      else write(to + (j << 2), x, left);
    }
    from += fromRow << 2;
    to += toRow << 2;
  }
}

/** out[i] = factor * x[i] + offset. */
export function affine(x: usize, out: usize, n: i32, factor: f32, offset: f32): void {
  for (let i = 0; i < n; i += 4, x += 16, out += 16) {
    const scaled = f32x4.mul(read(x, n - i), f32x4.splat(factor));
    write(out, f32x4.add(scaled, f32x4.splat(offset)), n - i);
  }
}

export function sigmoid(x: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i += 4, x += 16, out += 16) write(out, sigmoid4(read(x, n - i)), n - i);
}

export function tanh(x: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i += 4, x += 16, out += 16) write(out, tanh4(read(x, n - i)), n - i);
}

/** to[i] += g[i] y[i] (1 - y[i]). */
export function sigmoidBack(y: usize, g: usize, to: usize, n: i32): void {
  for (let i = 0; i < n; i += 4, y += 16, g += 16, to += 16) {
    accumulateAt(to, f32x4.mul(read(g, n - i), sigmoidSlope(read(y, n - i))), n - i);
  }
}

/** to[i] += g[i] (1 - y[i]^2). */
export function tanhBack(y: usize, g: usize, to: usize, n: i32): void {
  for (let i = 0; i < n; i += 4, y += 16, g += 16, to += 16) {
    accumulateAt(to, f32x4.mul(read(g, n - i), tanhSlope(read(y, n - i))), n - i);
  }
}

/** to[i] += g[i] where lo <= x[i] <= hi. */
export function passWithin(x: usize, g: usize, to: usize, n: i32, lo: f32, hi: f32): void {
  const least = f32x4.splat(lo);
  const most = f32x4.splat(hi);
  for (let i = 0; i < n; i += 4, x += 16, g += 16, to += 16) {
    const value = read(x, n - i);
    const within = v128.and(f32x4.ge(value, least), f32x4.le(value, most));
    accumulateAt(to, v128.and(read(g, n - i), within), n - i);
  }
}

/** The sum, in double precision. */
export function sum(x: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) total += load<f32>(x + (i << 2));
  return total;
}

/** out[i] = table[ids[i]]. */
export function gather(table: usize, ids: usize, out: usize, n: i32, columns: i32): void {
  const bytes = columns << 2;
  for (let i = 0; i < n; i++) memory.copy(out + i * bytes, table + load<i32>(ids + (i << 2)) * bytes, bytes);
}

/** table[ids[i]] += g[i], i upwards. */
export function scatter(g: usize, ids: usize, table: usize, n: i32, columns: i32): void {
  const bytes = columns << 2;
  for (let i = 0; i < n; i++) {
    const to = table + load<i32>(ids + (i << 2)) * bytes;
    for (let j = 0; j < columns; j += 4) {
      accumulateAt(to + (j << 2), read(g + i * bytes + (j << 2), columns - j), columns - j);
    }
  }
}
