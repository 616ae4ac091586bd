/** A strided copy: `rows` lines of `columns` elements each. Strides are in elements. */
export interface Move {
  /** The first element, counted over all that there are to take from, and the first place. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly columns: number;
  /** From one line to the next, and from one column to the next, where elements come from. */
  readonly fromRow: number;
  readonly fromColumn: number;
  /** From one line to the next where they go: columns are consecutive. */
  readonly toRow: number;
}

/** Elements that an instruction moves at most. */
const MOST_MOVED = 2 ** 20 - 1;

/** Elements at consecutive places that come from one piece of memory at equal distances. */
interface Line {
  readonly region: number;
  readonly from: number;
  readonly to: number;
  readonly columns: number;
  readonly step: number;
}

/**
 * Strided copies that bring elements into the order of a list: lines of elements at equal distances, and lines of one kind at equal
 * distances together.
 * @param sources   the element at each place; negative where there is none
 * @param regionOf  which of several pieces of memory an element lies in: a copy stays in one
 * @param most      elements that one copy moves
 */
export function movesOf(
  sources: Int32Array,
  regionOf: (element: number) => number,
  most = MOST_MOVED,
): Move[] {
  const groups: Line[][] = [];
  /** The latest group of each kind. */
  const open = new Map<string, Line[]>();
  for (const line of linesOf(sources, regionOf, most)) {
    const kind = `${line.region} ${line.columns} ${line.step}`;
    const group = open.get(kind);
    if (group !== undefined && (group.length + 1) * line.columns <= most && continues(group, line))
      group.push(line);
    else {
      const begun = [line];
      groups.push(begun);
      open.set(kind, begun);
    }
  }
  return groups.map((group): Move => {
    const [first, second] = group as [Line, Line | undefined];
    const { from, to, columns, step } = first;
    return {
      ...{ from, to, rows: group.length, columns, fromColumn: step },
      ...{ fromRow: second ? second.from - from : 0, toRow: second ? second.to - to : columns },
    };
  });
}

/** Whether a line is as far from the latest of a group as that is from the one before; a copy walks forward. */
function continues(group: readonly Line[], { from, to }: Line): boolean {
  const [before, last] = [group.at(-2), group.at(-1)!];
  const [step, distance] = [from - last.from, to - last.to];
  if (before === undefined) return step >= 0;
  return step === last.from - before.from && distance === last.to - before.to;
}

function* linesOf(sources: Int32Array, regionOf: (element: number) => number, most: number): Generator<Line> {
  let to = 0;
  while (to < sources.length) {
    const from = sources[to]!;
    if (from < 0) {
      to++;
      continue;
    }
    const region = regionOf(from);
    const next = sources[to + 1];
    const step = next !== undefined && next >= from && regionOf(next) === region ? next - from : undefined;
    let columns = 1;
    const isOn = (element: number | undefined) =>
      element === from + columns * step! && regionOf(element) === region;
    while (step !== undefined && columns < most && isOn(sources[to + columns])) columns++;
    yield { region, from, to, columns, step: columns === 1 ? 1 : step! };
    to += columns;
  }
}
