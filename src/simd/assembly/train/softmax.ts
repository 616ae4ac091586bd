import { accumulateAt, exp4, greatestOf, logOf, read, sumOf, write } from "./lanes";

function greatest(x: usize, n: i32): f32 {
  let best = load<f32>(x);
  let j = 0;
  let most = f32x4.splat(best);
  for (; j + 4 <= n; j += 4) most = f32x4.max(most, v128.load(x + (j << 2)));
  for (; j < n; j++) best = max(best, load<f32>(x + (j << 2)));
  return max(best, greatestOf(most));
}

/** out[j] = e^(x[j] - top) where `out` is not 0; gives the sum. */
function exponentials(x: usize, top: f32, out: usize, n: i32): f32 {
  const t = f32x4.splat(top);
  let sum = f32x4.splat(0);
  let rest: f32 = 0;
  for (let j = 0; j < n; j += 4) {
    const left = n - j;
    const e = exp4(f32x4.sub(read(x + (j << 2), left), t));
    if (out != 0) write(out + (j << 2), e, left);
    if (left >= 4) sum = f32x4.add(sum, e);
    else {
      rest = f32x4.extract_lane(e, 0);
      if (left > 1) rest += f32x4.extract_lane(e, 1);
      if (left > 2) rest += f32x4.extract_lane(e, 2);
    }
  }
  return rest + sumOf(sum);
}

/** Each row of out sums to 1. */
export function softmax(x: usize, out: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++, x += columns << 2, out += columns << 2) {
    const sum = exponentials(x, greatest(x, columns), out, columns);
    const inverse = f32x4.splat(1 / sum);
    for (let j = 0; j < columns; j += 4) {
      const at = out + (j << 2);
      write(at, f32x4.mul(read(at, columns - j), inverse), columns - j);
    }
  }
}

/** to += y (g - sum of g y), row by row. */
export function softmaxBack(y: usize, g: usize, to: usize, rows: i32, columns: i32): void {
  const bytes = columns << 2;
  for (let i = 0; i < rows; i++, y += bytes, g += bytes, to += bytes) {
    let sum = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) {
      sum = f32x4.add(sum, f32x4.mul(read(y + (j << 2), columns - j), read(g + (j << 2), columns - j)));
    }
    const mean = f32x4.splat(sumOf(sum));
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const slope = f32x4.sub(read(g + (j << 2), left), mean);
      accumulateAt(to + (j << 2), f32x4.mul(read(y + (j << 2), left), slope), left);
    }
  }
}

/**
 * out[i] = log sum e^x[i] - (1 - smoothing) x[i][ids[i]] - smoothing mean x[i]; `saved` keeps the logarithm of the sum.
 */
export function crossEntropy(
  x: usize,
  ids: usize,
  out: usize,
  saved: usize,
  rows: i32,
  columns: i32,
  smoothing: f32,
): void {
  for (let i = 0; i < rows; i++, x += columns << 2, ids += 4, out += 4, saved += 4) {
    const top = greatest(x, columns);
    const log = top + logOf(exponentials(x, top, 0, columns));
    store<f32>(saved, log);
    let expected: f32 = (<f32>1 - smoothing) * load<f32>(x + (load<i32>(ids) << 2));
    if (smoothing > 0) {
      let sum = f32x4.splat(0);
      for (let j = 0; j < columns; j += 4) sum = f32x4.add(sum, read(x + (j << 2), columns - j));
      expected += (smoothing * sumOf(sum)) / <f32>columns;
    }
    store<f32>(out, log - expected);
  }
}

/** to[i][j] += g[i] (softmax(x[i])[j] - target[i][j]). */
export function crossEntropyBack(
  x: usize,
  ids: usize,
  g: usize,
  saved: usize,
  to: usize,
  rows: i32,
  columns: i32,
  smoothing: f32,
): void {
  const spread = f32x4.splat(smoothing / <f32>columns);
  for (let i = 0; i < rows; i++, x += columns << 2, to += columns << 2, ids += 4, g += 4, saved += 4) {
    const up = load<f32>(g);
    const log = v128.load32_splat(saved);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const p = f32x4.sub(exp4(f32x4.sub(read(x + (j << 2), left), log)), spread);
      accumulateAt(to + (j << 2), f32x4.mul(p, f32x4.splat(up)), left);
    }
    const at = to + (load<i32>(ids) << 2);
    store<f32>(at, load<f32>(at) - up * (<f32>1 - smoothing));
  }
}

/** out[i] = log sum e^x[i] - sum of p[i] x[i], each row of p sums to 1; `saved` keeps the logarithm of the sum. */
export function distill(x: usize, p: usize, out: usize, saved: usize, rows: i32, columns: i32): void {
  const bytes = columns << 2;
  for (let i = 0; i < rows; i++, x += bytes, p += bytes, out += 4, saved += 4) {
    const top = greatest(x, columns);
    const log = top + logOf(exponentials(x, top, 0, columns));
    store<f32>(saved, log);
    let expected = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      expected = f32x4.add(expected, f32x4.mul(read(x + (j << 2), left), read(p + (j << 2), left)));
    }
    store<f32>(out, log - sumOf(expected));
  }
}

/** to[i] += g[i] (softmax(x[i]) - p[i]). */
export function distillBack(x: usize, p: usize, g: usize, saved: usize, to: usize, rows: i32, columns: i32): void {
  const bytes = columns << 2;
  for (let i = 0; i < rows; i++, x += bytes, p += bytes, to += bytes, g += 4, saved += 4) {
    const up = v128.load32_splat(g);
    const log = v128.load32_splat(saved);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const own = exp4(f32x4.sub(read(x + (j << 2), left), log));
      accumulateAt(to + (j << 2), f32x4.mul(f32x4.sub(own, read(p + (j << 2), left)), up), left);
    }
  }
}
