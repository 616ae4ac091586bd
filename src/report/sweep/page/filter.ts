import { filterRows } from "../filter.ts";
import type { Results } from "../results.ts";
import { byId } from "./dom.ts";

/** Tells of the rows that pass, a moment after the last key. */
const PAUSE_MS = 150;

export function listenToFilter(results: Results, changed: (rows: readonly number[]) => void): void {
  const input = byId("filter") as HTMLInputElement;
  const count = byId("count");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const apply = () => {
    const found = filterRows(results, input.value);
    const isWrong = "problem" in found;
    input.setAttribute("aria-invalid", String(isWrong));
    count.textContent = isWrong ? found.problem : countText(found.rows.length, results.count);
    if (!isWrong) changed(found.rows);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, PAUSE_MS);
  });
  count.textContent = countText(results.count, results.count);
}

const countText = (some: number, all: number): string =>
  some === all ? `${all} points` : `${some} of ${all} points`;
