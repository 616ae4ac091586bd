import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { initWasm, Resvg } from "@resvg/resvg-wasm";

/** Pixels for each unit of the drawing: sharp on the screens of today, and in print. */
const ZOOM = 2;
/** One font for every machine, of Arial's widths: equal drawings are equal bytes, whatever fonts are installed. */
const FONTS = ["400Regular/Arimo_400Regular", "700Bold/Arimo_700Bold"];

const { resolve } = createRequire(import.meta.url);
const load = (path: string): Uint8Array => readFileSync(resolve(path));

let ready: Promise<void> | undefined;

/** An SVG file as pixels. @param drawing  a whole SVG without references to other files */
export async function pngOf(drawing: string): Promise<Uint8Array> {
  ready ??= initWasm(load("@resvg/resvg-wasm/index_bg.wasm"));
  await ready;
  const fontBuffers = FONTS.map((font) => load(`@expo-google-fonts/arimo/${font}.ttf`));
  const picture = new Resvg(drawing, {
    fitTo: { mode: "zoom", value: ZOOM },
    font: { fontBuffers, defaultFontFamily: "Arimo", sansSerifFamily: "Arimo" },
  });
  try {
    return picture.render().asPng();
  } finally {
    picture.free();
  }
}
