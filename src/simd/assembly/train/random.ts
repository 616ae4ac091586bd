/** A bijection of 32 bits in which every input bit moves about half of the output bits: MurmurHash3's finalizer. */
@inline
function scramble(x: u32): u32 {
  x ^= x >> 16;
  x *= 0x85ebca6b;
  x ^= x >> 13;
  x *= 0xc2b2ae35;
  return x ^ (x >> 16);
}

/**
 * mask[i] = 1 / (1 - rate), or 0 with probability `rate`. Element i is a function of (seed, step, site, i), so that a
 * resumed run draws what an undisturbed one does.
 */
export function dropoutMask(mask: usize, n: i32, rate: f32, seed: u32, step: u32, site: u32): void {
  const key = scramble(seed ^ scramble(step ^ scramble(site + 0x9e3779b9)));
  const bound = <u32>(<f64>rate * 4294967296.0);
  const kept: f32 = 1 / (1 - rate);
  for (let i = 0; i < n; i++) {
    store<f32>(mask + (i << 2), scramble(key + <u32>i * 0x9e3779b9) < bound ? 0 : kept);
  }
}
