/** How near integers come to real numbers, where nothing says what is right. */

/** Vectors one behind the other, each of as many elements as is said. */
export type Widths = readonly number[];

/**
 * `agreement`, the share of vectors of more than one element whose largest is at the same place in both lists, 1 where there are none, and `cosine`, the cosine between all
 * that is in one list and all that is in the other.
 * @param widths  of each list: lengths of its vectors
 */
export function nearness(
  widths: readonly Widths[],
  outputs: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): { agreement: number; cosine: number } {
  let [same, all, dot, own, wanted] = [0, 0, 0, 0, 0];
  for (const [i, vectors] of widths.entries()) {
    const [got, right] = [outputs[i]!, reference[i]!];
    let from = 0;
    for (const width of vectors) {
      if (width > 1) {
        all++;
        same += Number(largestIn(got, from, width) === largestIn(right, from, width));
      }
      from += width;
    }
    for (const [k, x] of right.entries()) {
      dot += x * got[k]!;
      own += got[k]! ** 2;
      wanted += x ** 2;
    }
  }
  const length = (own * wanted) ** 0.5;
  // Two lists of zeros are the same.
  return {
    agreement: all === 0 ? 1 : same / all,
    cosine: length === 0 ? Number(own === wanted) : dot / length,
  };
}

function largestIn(list: readonly number[], from: number, width: number): number {
  let best = from;
  for (let i = from; i < from + width; i++) if (list[i]! > list[best]!) best = i;
  return best;
}
