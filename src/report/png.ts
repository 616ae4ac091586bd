import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { initWasm, Resvg } from "@resvg/resvg-wasm";

/** Pixels for each unit of the drawing: sharp on the screens of today, and in print. */
const ZOOM = 2;

const require = createRequire(import.meta.url);
/** One font for every machine, of Arial's widths: equal drawings are equal bytes, whatever fonts are installed. */
const FONTS = [
  require.resolve("@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf"),
  require.resolve("@expo-google-fonts/arimo/700Bold/Arimo_700Bold.ttf"),
];
const RENDERER = require.resolve("@resvg/resvg-wasm/index_bg.wasm");

let ready: Promise<void> | undefined;

/** An SVG file as pixels. @param drawing  a whole SVG without references to other files */
export async function pngOf(drawing: string): Promise<Uint8Array> {
  ready ??= initWasm(readFileSync(RENDERER));
  await ready;
  const fontBuffers = FONTS.map((font) => readFileSync(font));
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
