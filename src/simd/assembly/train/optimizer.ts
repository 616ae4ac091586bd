import { read, write } from "./lanes";

/** The sum of squares, in double precision. */
export function squares(x: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) {
    const value = <f64>load<f32>(x + (i << 2));
    total += value * value;
  }
  return total;
}

/**
 * Adam (Kingma and Ba, 2015, algorithm 1) on n weights, with the gradient times `factor` and decoupled decay:
 *
 *     m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  w -= rate m / (sqrt(v / bias2) + epsilon) + decay w
 *
 * `rate` has 1 / (1 - beta1^step) in it, bias2 is 1 - beta2^step.
 */
export function adam(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  n: i32,
  factor: f32,
  beta1: f32,
  beta2: f32,
  rate: f32,
  bias2: f32,
  epsilon: f32,
  decay: f32,
): void {
  for (let i = 0; i < n; i += 4, w += 16, g += 16, m += 16, v += 16) {
    const left = n - i;
    const up = f32x4.mul(read(g, left), f32x4.splat(factor));
    const first = f32x4.add(
      f32x4.mul(read(m, left), f32x4.splat(beta1)),
      f32x4.mul(up, f32x4.splat(1 - beta1)),
    );
    const second = f32x4.add(
      f32x4.mul(read(v, left), f32x4.splat(beta2)),
      f32x4.mul(f32x4.mul(up, up), f32x4.splat(1 - beta2)),
    );
    write(m, first, left);
    write(v, second, left);
    const root = f32x4.sqrt(f32x4.div(second, f32x4.splat(bias2)));
    const step = f32x4.div(f32x4.mul(first, f32x4.splat(rate)), f32x4.add(root, f32x4.splat(epsilon)));
    const old = read(w, left);
    write(w, f32x4.sub(old, f32x4.add(step, f32x4.mul(old, f32x4.splat(decay)))), left);
  }
}
