/** Of each pair of elements the smaller one, or the larger one. */
@inline
function choose(
  a: usize,
  b: usize,
  bPeriod: i32,
  out: usize,
  bytes: i32,
  n: i32,
  lanes: i32,
  larger: bool,
): void {
  const row = lanes * bytes;
  for (let i = 0, p = 0; i < n; i++) {
    const from = a + i * row;
    const with_ = b + p * row;
    const to = out + i * row;
    for (let at = 0; at < row; at += 16) {
      const x = v128.load(from + at);
      const y = v128.load(with_ + at);
      let chosen: v128;
      if (bytes == 1) chosen = larger ? i8x16.max_s(x, y) : i8x16.min_s(x, y);
      else if (bytes == 2) chosen = larger ? i16x8.max_s(x, y) : i16x8.min_s(x, y);
      else chosen = larger ? i32x4.max_s(x, y) : i32x4.min_s(x, y);
      v128.store(to + at, chosen);
    }
    if (++p == bPeriod) p = 0;
  }
}

export function minimum(
  a: usize,
  b: usize,
  bPeriod: i32,
  out: usize,
  bytes: i32,
  n: i32,
  lanes: i32,
): void {
  choose(a, b, bPeriod, out, bytes, n, lanes, false);
}

export function maximum(
  a: usize,
  b: usize,
  bPeriod: i32,
  out: usize,
  bytes: i32,
  n: i32,
  lanes: i32,
): void {
  choose(a, b, bPeriod, out, bytes, n, lanes, true);
}
