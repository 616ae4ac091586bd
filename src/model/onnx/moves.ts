/** Elements that an instruction moves at most. */
const MOST_MOVED = 2 ** 20 - 1;

/** Elements that one strided copy brings to consecutive places: `rows` lines of `columns` elements each. */
export interface Move {
  /** The first element, counted over all that there are to take from. */
  readonly from: number;
  /** The first place. */
  readonly to: number;
  readonly rows: number;
  readonly columns: number;
  /** Elements from one line to the next, and from one column to the next, where they come from. */
  readonly rowStride: number;
  readonly columnStride: number;
}

/**
 * The strided copies that bring elements into the order of a list.
 * @param sources   the element at each place; negative where there is none
 * @param regionOf  which of several pieces of memory an element lies in: a copy stays in one
 * @param most      elements that one copy moves
 */
export function movesOf(
  sources: Int32Array,
  regionOf: (element: number) => number,
  most = MOST_MOVED,
): Move[] {
  const moves: Move[] = [];
  let at = 0;
  while (at < sources.length) {
    const from = sources[at]!;
    if (from < 0) {
      at++;
      continue;
    }
    const region = regionOf(from);
    const isNext = (place: number, element: number) =>
      sources[place] === element && regionOf(element) === region;
    const columnStride = stepAt(sources, at, 1, isNext);
    let columns = 1;
    while (
      columns < most &&
      columnStride !== undefined &&
      isNext(at + columns, from + columns * columnStride)
    )
      columns++;
    const rowStride = stepAt(sources, at, columns, isNext) ?? 0;
    const isRow = (row: number) => {
      for (let c = 0; c < columns; c++)
        if (!isNext(at + row * columns + c, from + row * rowStride + c * (columnStride ?? 0))) return false;
      return true;
    };
    let rows = 1;
    while (at + (rows + 1) * columns <= sources.length && (rows + 1) * columns <= most && isRow(rows)) rows++;
    moves.push({ from, to: at, rows, columns, rowStride, columnStride: columnStride ?? 0 });
    at += rows * columns;
  }
  return moves;
}

/** How far the element `ahead` places on is from this one; undefined where there is none in the same region, or it lies before: a copy walks forward. */
function stepAt(
  sources: Int32Array,
  at: number,
  ahead: number,
  isNext: (place: number, element: number) => boolean,
): number | undefined {
  const next = sources[at + ahead];
  const isAhead = next !== undefined && next >= sources[at]! && isNext(at + ahead, next);
  return isAhead ? next - sources[at]! : undefined;
}
