import { MOST_BARS, mapAxes, sliceAxis, spread } from "../charts.ts";
import { drawFront, type FrontRange } from "../front.ts";
import { drawHeat } from "../heat.ts";
import { axesOf, type Field, figuresOf, type Results, wholesOf } from "../results.ts";
import { drawRoofs, roofColumns } from "../roofs.ts";
import { drawSlices } from "../slices.ts";
import { drawStack } from "../stack.ts";
import type { Choice } from "./dom.ts";
import type { Draw } from "./figure.ts";

/** A section of the page: its place, its chart, and what can be chosen for it. */
export interface Section {
  readonly id: string;
  readonly draw: Draw;
  readonly choices: readonly Choice[];
}

const RANGES = [
  { name: "auto", doc: "all points, unless the front could not be read then" },
  { name: "all", doc: "all points" },
  { name: "near", doc: "the front and what is near it" },
];

/** Fields that are chosen by name. */
class Chosen {
  readonly #fields: readonly Field[];
  field: Field;

  constructor(fields: readonly Field[], field: Field) {
    this.#fields = fields;
    this.field = field;
  }

  choice(label: string): Choice {
    return {
      label,
      options: this.#fields,
      value: this.field.name,
      set: (name) => {
        this.field = this.#fields.find((field) => field.name === name) ?? this.field;
      },
    };
  }
}

/** The sections that the columns allow, in the order of the page. The first one's front is what others show. */
export function sectionsOf(results: Results, x: Field, y: Field): Section[] {
  const figures = results.fields.filter(
    (field) => figuresOf(results).includes(field) || field === x || field === y,
  );
  const [across, up] = [new Chosen(figures, x), new Chosen(figures, y)];
  let front: readonly number[] = [];
  let range: FrontRange | undefined;
  return [
    {
      id: "front",
      choices: [
        across.choice("Across"),
        up.choice("Up"),
        {
          label: "Range",
          options: RANGES,
          value: "auto",
          set: (name) => {
            range = name === "all" || name === "near" ? name : undefined;
          },
        },
      ],
      draw: (rows, width) => {
        const chart = drawFront(results, { x: across.field, y: up.field, rows, width, range });
        front = chart.front;
        return chart;
      },
    },
    ...settingSections(results, figures, y),
    ...partSections(results, () => front),
  ];
}

function settingSections(results: Results, figures: readonly Field[], merit: Field): Section[] {
  const axes = axesOf(results);
  const [first, second] = mapAxes(axes);
  if (first === undefined) return [];
  // Settings are what results are shown against.
  const shown = figures.filter(({ role }) => role === undefined);
  const start = shown.includes(merit) ? merit : shown[0];
  if (start === undefined) return [];
  const [setting, figure] = [new Chosen(axes, sliceAxis(results, axes, start)), new Chosen(shown, start)];
  const slices: Section = {
    id: "slices",
    choices: [setting.choice("Setting"), figure.choice("Figure")],
    draw: (rows, width) => drawSlices(results, { x: setting.field, y: figure.field, rows, width }),
  };
  if (second === undefined) return [slices];
  const [across, up, of] = [new Chosen(axes, first), new Chosen(axes, second), new Chosen(shown, start)];
  const heat: Section = {
    id: "heat",
    choices: [across.choice("Across"), up.choice("Up"), of.choice("Figure")],
    draw: (rows, width) => drawHeat(results, { x: across.field, y: up.field, of: of.field, rows, width }),
  };
  return [slices, heat];
}

function partSections(results: Results, front: () => readonly number[]): Section[] {
  const wholes = wholesOf(results);
  const columns = roofColumns(results);
  const sections: Section[] = [];
  const [first] = wholes;
  if (first !== undefined) {
    const whole = new Chosen(
      wholes.map((one) => one.whole),
      first.whole,
    );
    sections.push({
      id: "parts",
      choices: [whole.choice("Figure")],
      draw: (_, width, chosen) => {
        const { parts } = wholes.find((one) => one.whole === whole.field) ?? first;
        const bars = spread(front(), MOST_BARS);
        const rows = chosen === undefined || bars.includes(chosen) ? bars : [...bars, chosen];
        return drawStack(results, { whole: whole.field, parts, rows, width });
      },
    });
  }
  if (columns !== undefined) {
    sections.push({
      id: "roofs",
      choices: [],
      draw: (rows, width) => drawRoofs(results, columns, rows, front(), width),
    });
  }
  return sections;
}
