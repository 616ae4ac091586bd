import { type Axis, colourOf, frame, heading, line } from "../drawing.ts";
import { text } from "../svg.ts";
import { type Chart, heightFor, mark, plotOf } from "./chart.ts";
import { dotsPath } from "./front.ts";
import type { Field, Results } from "./results.ts";
import { axisAround, compact, spanOf } from "./scale.ts";

/** What a roofline takes, by columns: all of one point. */
export interface RoofColumns {
  readonly macs: readonly number[];
  readonly cycles: readonly number[];
  readonly dramBytes: readonly number[];
  readonly bandwidth: readonly number[];
  /** Percent of the array's peak. */
  readonly utilization: readonly number[];
}

const MACS = "macs_per_";
/** Rarely more: ceilings beyond so many are left out, and said to be. */
const MOST_CEILINGS = 6;

/** The columns of a roofline, where the file has all of them. */
export function roofColumns({ fields }: Results): RoofColumns | undefined {
  const one = fields.find(({ name }) => name.startsWith(MACS))?.name.slice(MACS.length);
  const numbers = (name: string) => fields.find((field: Field) => field.name === name)?.numbers;
  const macs = numbers(MACS + one);
  const cycles = numbers(`cycles_per_${one}`);
  const dramBytes = numbers(`dram_bytes_per_${one}`);
  const bandwidth = numbers("dram_bytes_per_cycle");
  const utilization = numbers("mac_utilization_pct");
  return macs && cycles && dramBytes && bandwidth && utilization
    ? { macs, cycles, dramBytes, bandwidth, utilization }
    : undefined;
}

/**
 * The roofline of all points: MACs a cycle against MACs a byte of the DRAM, both logarithmic, below the peaks of the arrays and the
 * bandwidths of the DRAMs that occur. A point without MACs or without traffic is left out.
 *
 * @param emphasized  rows that are marked by name
 */
export function drawRoofs(
  results: Results,
  columns: RoofColumns,
  rows: readonly number[],
  emphasized: readonly number[],
  width: number,
): Chart {
  const { macs, cycles, dramBytes, bandwidth, utilization } = columns;
  const drawn = rows.filter((row) =>
    [macs, cycles, dramBytes, bandwidth, utilization].every((numbers) => numbers[row]! > 0),
  );
  const title = "roofline of the DRAM";
  const height = heightFor(width);
  if (drawn.length === 0)
    return { title, width, height: 60, places: [], elements: [heading(20, `${title}: no traffic`)] };
  const paces = new Map(drawn.map((row) => [row, macs[row]! / cycles[row]!]));
  const intensities = new Map(drawn.map((row) => [row, macs[row]! / dramBytes[row]!]));
  const peaks = distinct(drawn.map((row) => (100 * paces.get(row)!) / utilization[row]!));
  const slopes = distinct(drawn.map((row) => bandwidth[row]!));
  const plot = plotOf(width, height);
  const ridges = peaks.flatMap((peak) => slopes.map((slope) => peak / slope));
  const xs = [...intensities.values(), ...ridges];
  const ys = [...paces.values(), ...peaks];
  const across = axisAround(xs, [plot.left, plot.right], "MACs a byte of DRAM", true);
  const up = axisAround(ys, [plot.bottom, plot.top + 14], "MACs a cycle", true);
  const places = drawn.map((row) => ({
    row,
    x: across.at(intensities.get(row)!),
    y: up.at(paces.get(row)!),
  }));
  const shown = new Set(emphasized);
  const marks = places
    .filter(({ row }) => shown.has(row))
    .map(({ row, x, y }) => {
      const words = `${compact(paces.get(row)!)} MACs a cycle, ${compact(intensities.get(row)!)} a byte of DRAM`;
      return mark("circle", row, `${results.names[row]}: ${words}`, {
        cx: x,
        cy: y,
        r: 4,
        fill: colourOf(0),
      });
    });
  const least = [Math.min(...spanOf(xs)), Math.min(...spanOf(ys))] as const;
  return {
    title,
    width,
    height,
    places,
    elements: [
      heading(20, title),
      ...frame(plot, across, up),
      ...ceilings(peaks, slopes, least, { across, up, right: plot.right }),
      dotsPath(places),
      ...marks,
    ],
  };
}

/** A level line for each peak, a slanted one for each bandwidth, then what they are called. */
function ceilings(
  peaks: readonly number[],
  slopes: readonly number[],
  [leastX, leastY]: readonly [number, number],
  { across, up, right }: { readonly across: Axis; readonly up: Axis; readonly right: number },
): string[] {
  const [highest, steepest] = [peaks[0]!, slopes[0]!];
  const level = peaks.slice(0, MOST_CEILINGS).map((peak, i) => ({
    from: [across.at(peak / steepest), up.at(peak)] as const,
    to: [right, up.at(peak)] as const,
    style: { stroke: colourOf(i + 1), "stroke-width": 1.5 },
  }));
  const slanted = slopes.slice(0, MOST_CEILINGS).map((slope) => {
    const x = Math.max(leastX, leastY / slope);
    return {
      from: [across.at(x), up.at(x * slope)] as const,
      to: [across.at(highest / slope), up.at(highest)] as const,
      style: { class: "front", "stroke-width": 1.5 },
    };
  });
  const halo = { class: "halo name" };
  return [
    ...[...slanted, ...level].map(({ from, to, style }) => line(from, to, style)),
    ...level.map(({ to: [x, y] }, i) =>
      text(x - 4, y - 4, `peak ${compact(peaks[i]!)}`, { ...halo, "text-anchor": "end" }),
    ),
    ...slanted.map(({ from: [x, y] }, i) => text(x + 8, y + 4, `${compact(slopes[i]!)} bytes a cycle`, halo)),
  ];
}

/** Ceilings nearer to each other than this are one. */
const NEAR = 0.97;

/** Values that can be told apart, the largest first. */
function distinct(values: readonly number[]): number[] {
  const kept: number[] = [];
  const sorted = [...new Set(values.map((value) => Number(value.toPrecision(3))))].sort((a, b) => b - a);
  for (const value of sorted) if (kept.length === 0 || value < NEAR * kept.at(-1)!) kept.push(value);
  return kept;
}
