import { inlineSvg } from "../../drawing.ts";
import type { Chart, Place } from "../chart.ts";
import { byId } from "./dom.ts";

/** Draws a chart of such a width in pixels. */
export type Draw = (rows: readonly number[], width: number, chosen: number | undefined) => Chart;

/** From how far a point is hit, in pixels: a finger is wide. */
const REACH = 22;
const SVG = "http://www.w3.org/2000/svg";
/** Narrower, a chart scrolls. */
const LEAST_WIDTH = 300;

const STEP: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** A chart on the page: points can be pointed at, and its marks walked to: one stop of the tab key, then arrow keys. */
export class Figure {
  readonly #host: HTMLElement;
  readonly #draw: Draw;
  readonly #choose: (row: number) => void;
  readonly #names: readonly string[];
  #places: readonly Place[] = [];

  constructor(host: HTMLElement, draw: Draw, names: readonly string[], choose: (row: number) => void) {
    this.#host = host;
    this.#draw = draw;
    this.#names = names;
    this.#choose = choose;
    host.addEventListener("pointermove", (event) => this.#point(event));
    host.addEventListener("pointerleave", () => this.#point(undefined));
    host.addEventListener("click", (event) => {
      const place = this.#nearest(event);
      if (place !== undefined) choose(place.row);
    });
    host.addEventListener("keydown", (event) => this.#walk(event));
  }

  draw(rows: readonly number[], chosen: number | undefined): void {
    const focused = this.#host.querySelector<SVGElement>(".mark:focus")?.dataset["row"];
    const chart = this.#draw(rows, Math.max(LEAST_WIDTH, this.#host.clientWidth), chosen);
    this.#places = chart.places;
    this.#host.innerHTML = inlineSvg(chart);
    this.#svg?.setAttribute("role", "group");
    const marks = this.#marks();
    const kept = marks.find((mark) => mark.dataset["row"] === focused);
    for (const mark of marks) {
      mark.setAttribute("tabindex", mark === (kept ?? marks[0]) ? "0" : "-1");
      mark.setAttribute("role", "button");
      mark.setAttribute("aria-label", mark.textContent ?? "");
    }
    kept?.focus();
    this.choose(chosen);
  }

  /** A ring around the chosen point. */
  choose(row: number | undefined): void {
    for (const mark of this.#marks())
      mark.setAttribute("aria-pressed", String(mark.dataset["row"] === String(row)));
    this.#ring(
      "chosen",
      this.#places.find((place) => place.row === row),
    );
  }

  get #svg(): SVGSVGElement | null {
    return this.#host.querySelector("svg");
  }

  #marks(): SVGElement[] {
    return [...this.#host.querySelectorAll<SVGElement>(".mark")];
  }

  #ring(name: string, place: Place | undefined): void {
    this.#host.querySelector(`.${name}`)?.remove();
    if (place === undefined) return;
    const ring = document.createElementNS(SVG, "circle");
    for (const [key, value] of Object.entries({ class: name, cx: place.x, cy: place.y, r: 9 }))
      ring.setAttribute(key, String(value));
    this.#svg?.append(ring);
  }

  /** The mark under the pointer, or else the point nearest to it. */
  #nearest(event: MouseEvent): Place | undefined {
    const mark = (event.target as Element).closest<SVGElement>(".mark");
    if (mark !== null) {
      const row = Number(mark.dataset["row"]);
      return this.#places.find((place) => place.row === row);
    }
    const box = this.#svg?.getBoundingClientRect();
    if (box === undefined) return undefined;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best: Place | undefined;
    let least = REACH ** 2;
    for (const place of this.#places) {
      const distance = (place.x - x) ** 2 + (place.y - y) ** 2;
      if (distance > least) continue;
      best = place;
      least = distance;
    }
    return best;
  }

  #point(event: PointerEvent | undefined): void {
    const place = event === undefined ? undefined : this.#nearest(event);
    const tip = byId("tip");
    this.#ring("hover", place);
    tip.hidden = place === undefined;
    if (place === undefined || event === undefined) return;
    tip.textContent = this.#names[place.row] ?? "";
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, room))}px`;
    tip.style.top = `${event.clientY + 16}px`;
  }

  #walk(event: KeyboardEvent): void {
    const mark = (event.target as Element).closest<SVGElement>(".mark");
    if (mark === null) return;
    if (event.key === "Enter" || event.key === " ") this.#choose(Number(mark.dataset["row"]));
    else if (STEP[event.key] === undefined) return;
    else this.#focus(mark, STEP[event.key]!);
    event.preventDefault();
  }

  #focus(from: SVGElement, step: number): void {
    const marks = this.#marks();
    const to = marks[marks.indexOf(from) + step];
    if (to === undefined) return;
    from.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus();
  }
}
