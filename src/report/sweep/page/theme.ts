import { byId } from "./dom.ts";

/** The button turns the reader's colour scheme round, for as long as the page is open. */
export function listenToTheme(): void {
  const root = document.documentElement;
  byId("theme").addEventListener("click", () => {
    const preset = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const now = root.dataset["theme"] ?? preset;
    root.dataset["theme"] = now === "dark" ? "light" : "dark";
  });
}
