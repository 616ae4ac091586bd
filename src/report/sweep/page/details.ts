import { type Field, labelOf, type Results, varies } from "../results.ts";
import { byId, make } from "./dom.ts";

const HINT = "Choose a point: in a chart or in the table, with the pointer or with Enter.";

/** The chosen point: its figures, its command, its settings, and every column of it. */
export class Details {
  readonly #host: HTMLElement;
  readonly #results: Results;
  readonly #close: () => void;

  constructor(host: HTMLElement, results: Results, close: () => void) {
    this.#host = host;
    this.#results = results;
    this.#close = close;
    host.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") close();
    });
    this.show(undefined);
  }

  show(row: number | undefined): void {
    byId("said").textContent = row === undefined ? "" : `chosen: ${this.#results.names[row]}`;
    this.#host.classList.toggle("open", row !== undefined);
    this.#host.replaceChildren(
      ...(row === undefined ? [make("p", { class: "hint" }, HINT)] : this.#contents(row)),
    );
  }

  #contents(row: number): Node[] {
    const { fields, names, commands } = this.#results;
    const settings = fields.filter(({ role }) => role === "setting");
    const figures = fields.filter(
      ({ role, show, better }) => role === undefined && show === "always" && better,
    );
    const number = fields.find(({ name }) => name === "point")?.texts[row] ?? "";
    const close = make("button", { type: "button", class: "close", "aria-label": "close" }, "×");
    close.addEventListener("click", this.#close);
    return [
      close,
      make("h2", {}, make("small", {}, `point ${number}`), names[row]!),
      list(figures, row),
      make("h3", {}, "Reproduce"),
      ...commandOf(commands[row]!),
      make("h3", {}, "Configuration"),
      list(settings.filter(varies), row),
      fold(
        "the same in every point",
        settings.filter((field) => !varies(field)),
        row,
      ),
      fold(`all ${fields.length} columns`, fields, row),
    ];
  }
}

const list = (fields: readonly Field[], row: number): HTMLElement =>
  make(
    "dl",
    {},
    ...fields.flatMap((field) => [
      make("dt", { title: field.doc }, labelOf(field)),
      make("dd", {}, field.texts[row] || "as in the file"),
    ]),
  );

const fold = (title: string, fields: readonly Field[], row: number): HTMLElement =>
  make("details", {}, make("summary", {}, title), list(fields, row));

/** The command, and a button that copies it. */
function commandOf(command: string): Node[] {
  const words = command.split(/ (?=--)/).flatMap((word, i) => [i === 0 ? "" : " ", make("span", {}, word)]);
  const code = make("code", { tabindex: "0", "aria-label": "command line" }, ...words);
  const copy = make("button", { type: "button", class: "copy" }, "copy");
  copy.addEventListener("click", () => {
    getSelection()?.selectAllChildren(code);
    // A page that was opened from a file may not be let near the clipboard: then the selection is what there is.
    navigator.clipboard?.writeText(command).then(
      () => copy.replaceChildren("copied"),
      () => copy.replaceChildren("selected"),
    );
  });
  return [make("pre", {}, code), copy];
}
