import { roundReal } from "../../../fixed/real.ts";
import { type Field, labelOf, type Results, varies } from "../results.ts";
import { make, within } from "./dom.ts";

const ROW = 30;
/** Rows above and below those that can be seen. */
const SPARE = 8;
const CHARACTER = 8;
const LONGEST = 44;
/** Of a grid without room, as in a hidden tab. */
const LEAST_SEEN = 10;

/** All points, of which only those in view are elements. Sorted by a heading, walked through with arrow keys. */
export class Table {
  readonly #grid: HTMLElement;
  readonly #choose: (row: number) => void;
  readonly #body = make("div", { class: "body", role: "rowgroup" });
  #columns: readonly Field[];
  #rows: readonly number[] = [];
  #sorted: { readonly field: Field; readonly sign: number } | undefined;
  #chosen: number | undefined;
  /** The place in `#rows` that the tab key stops at. */
  #current = 0;

  constructor(section: HTMLElement, results: Results, choose: (row: number) => void) {
    this.#choose = choose;
    this.#grid = within(section, ".grid");
    this.#columns = columnsOf(results, false);
    const all = make("input", { type: "checkbox" });
    all.addEventListener("change", () => {
      this.#columns = columnsOf(results, all.checked);
      this.#draw();
    });
    within(section, ".controls").append(make("label", {}, all, ` all ${results.fields.length} columns`));
    this.#grid.addEventListener("scroll", () => this.#fill());
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#body.addEventListener("keydown", (event) => this.#walk(event));
  }

  show(rows: readonly number[], chosen: number | undefined): void {
    this.#rows = rows;
    this.#chosen = chosen;
    this.#sort();
    this.#draw();
  }

  /** The chosen row comes into view. */
  choose(row: number | undefined): void {
    this.#chosen = row;
    const at = row === undefined ? -1 : this.#rows.indexOf(row);
    if (at === -1) this.#fill();
    else this.#reveal(at);
  }

  #sort(): void {
    if (this.#sorted === undefined) return;
    const { field, sign } = this.#sorted;
    const { numbers, texts } = field;
    const order =
      numbers === undefined
        ? (a: number, b: number) => (texts[a]! < texts[b]! ? -sign : texts[a]! > texts[b]! ? sign : 0)
        : (a: number, b: number) => sign * (numbers[a]! - numbers[b]!);
    this.#rows = [...this.#rows].sort(order);
  }

  /** The headings, and room for all rows. */
  #draw(): void {
    const widths = this.#columns.map(widthOf);
    this.#grid.style.setProperty("--columns", widths.map((width) => `${width}px`).join(" "));
    this.#grid.setAttribute("aria-rowcount", String(this.#rows.length + 1));
    this.#grid.setAttribute("aria-colcount", String(this.#columns.length));
    this.#body.style.height = `${ROW * this.#rows.length}px`;
    this.#body.style.width = `${widths.reduce((a, b) => a + b, 0)}px`;
    const heads = this.#columns.map((field) => this.#heading(field));
    this.#grid.replaceChildren(
      make("div", { class: "row head", role: "row", "aria-rowindex": "1" }, ...heads),
      this.#body,
    );
    this.#fill();
  }

  #heading(field: Field): HTMLElement {
    const isSorted = this.#sorted?.field === field;
    const sign = isSorted ? this.#sorted!.sign : 0;
    const button = make("button", { type: "button", title: field.doc }, labelOf(field));
    button.addEventListener("click", () => {
      this.#sorted = { field, sign: sign === 0 ? (field.better === "higher" ? -1 : 1) : -sign };
      this.#sort();
      this.#current = 0;
      this.#draw();
      this.#grid.scrollTop = 0;
      within(this.#grid, `[data-column="${CSS.escape(field.name)}"] button`).focus({ preventScroll: true });
    });
    return make(
      "div",
      {
        role: "columnheader",
        "data-column": field.name,
        "aria-sort": sign === 0 ? "none" : sign > 0 ? "ascending" : "descending",
        class: classOf(field),
      },
      button,
    );
  }

  /** Makes the elements of the rows in view. */
  #fill(): void {
    const focused = this.#body.contains(document.activeElement);
    const seen = Math.max(LEAST_SEEN, roundReal(this.#grid.clientHeight / ROW, "ceiling"));
    const first = Math.max(0, roundReal(Math.max(0, this.#grid.scrollTop) / ROW, "floor") - SPARE);
    const last = Math.min(this.#rows.length, first + seen + 2 * SPARE);
    this.#current = Math.max(0, Math.min(this.#current, this.#rows.length - 1));
    const rows: HTMLElement[] = [];
    for (let at = first; at < last; at++) rows.push(this.#row(at));
    this.#body.replaceChildren(...rows);
    // The tab key must find a row, though the current one is out of view.
    if (rows.length > 0 && this.#element(this.#current) === null) rows[0]!.tabIndex = 0;
    if (focused) this.#element(this.#current)?.focus({ preventScroll: true });
  }

  #row(at: number): HTMLElement {
    const row = this.#rows[at]!;
    const cells = this.#columns.map((field) =>
      make("div", { role: "gridcell", class: classOf(field) }, field.texts[row] || "–"),
    );
    const element = make(
      "div",
      {
        class: "row",
        role: "row",
        "data-at": String(at),
        "aria-rowindex": String(at + 2),
        "aria-selected": String(row === this.#chosen),
        tabindex: at === this.#current ? "0" : "-1",
      },
      ...cells,
    );
    element.style.top = `${ROW * at}px`;
    return element;
  }

  #element(at: number): HTMLElement | null {
    return this.#body.querySelector<HTMLElement>(`[data-at="${at}"]`);
  }

  #placeOf({ target }: Event): number | undefined {
    const row = (target as Element).closest<HTMLElement>("[data-at]");
    return row === null ? undefined : Number(row.dataset["at"]);
  }

  #click(event: Event): void {
    const at = this.#placeOf(event);
    if (at === undefined) return;
    this.#current = at;
    this.#choose(this.#rows[at]!);
  }

  #walk(event: KeyboardEvent): void {
    const at = this.#placeOf(event);
    if (at === undefined) return;
    const page = Math.max(1, roundReal(this.#grid.clientHeight / ROW, "floor") - 2);
    const last = this.#rows.length - 1;
    const to: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    };
    if (event.key === "Enter" || event.key === " ") this.#click(event);
    else if (to[event.key] === undefined) return;
    else this.#go(Math.max(0, Math.min(last, to[event.key]!)));
    event.preventDefault();
  }

  /** Brings a row into view and the focus to it. */
  #go(at: number): void {
    this.#reveal(at);
    this.#element(at)?.focus({ preventScroll: true });
  }

  #reveal(at: number): void {
    this.#current = at;
    const { clientHeight, scrollTop } = this.#grid;
    const above = ROW * at;
    const below = above + 2 * ROW - clientHeight;
    this.#grid.scrollTop = Math.min(above, Math.max(below, scrollTop));
    this.#fill();
  }
}

/** What people look at first, then axes, then the rest where all is wanted. */
function columnsOf({ fields }: Results, isAll: boolean): readonly Field[] {
  return isAll
    ? fields
    : fields.filter((field) => field.show === "always" || (field.show === "varying" && varies(field)));
}

const classOf = ({ numbers, name }: Field): string =>
  numbers === undefined && name !== "point" ? "words" : "number";

function widthOf(field: Field): number {
  const longest = field.texts.reduce((most, { length }) => Math.max(most, length), 0);
  const heading =
    Math.max(
      ...labelOf(field)
        .split(" ")
        .map(({ length }) => length),
    ) + 3;
  return 22 + CHARACTER * Math.min(LONGEST, Math.max(longest, heading, 5));
}
