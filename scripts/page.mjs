// The program and the style of `shiftline report`'s page, each one file: a page that needs nothing but itself holds them.
import { copyFileSync } from "node:fs";
import { rolldown } from "rolldown";

const SOURCE = "src/report/sweep/page";
const BUILT = "dist/report/sweep";

const bundle = await rolldown({ input: `${SOURCE}/main.ts`, platform: "browser" });
await bundle.write({ file: `${BUILT}/page.js`, format: "iife", minify: true });
await bundle.close();
copyFileSync(`${SOURCE}/style.css`, `${BUILT}/page.css`);
