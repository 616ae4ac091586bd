import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";

/** Which other rooms each room may import. A room that is not listed does not exist. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  fixed: ["base"],
  simd: ["base", "fixed"],
  arch: ["base", "fixed"],
  pwl: ["base", "fixed"],
  quant: ["base", "fixed", "arch", "pwl"],
  isa: ["base", "fixed", "simd", "arch", "pwl"],
  machine: ["base", "fixed", "simd", "arch", "isa"],
  kernels: ["base", "fixed", "arch", "pwl", "quant", "isa"],
  onnx: ["base", "fixed", "pwl"],
  model: ["base", "fixed", "arch", "pwl", "quant", "isa", "kernels", "onnx"],
  train: "base fixed simd arch pwl quant isa machine kernels model".split(" "),
  report: ["base", "fixed", "pwl"],
  store: ["base", "report"],
  mapper: ["base", "fixed", "arch", "isa", "machine", "kernels"],
  search: ["base", "fixed"],
  sweep: "base fixed simd arch pwl quant isa machine kernels model train report mapper search".split(" "),
  cluster: ["base", "sweep"],
  validate: "base fixed simd arch pwl quant isa machine kernels model report".split(" "),
  cli: "base fixed simd arch pwl quant isa machine kernels model train report store mapper search sweep cluster validate onnx".split(
    " ",
  ),
};

/** A source file: its path below src, and its syntax. Comments and the text of strings are no code. */
interface Source {
  readonly path: string;
  readonly tree: ts.SourceFile;
}

const source = (path: string, text: string): Source => ({
  path,
  tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true),
});

/** All of src but the AssemblyScript, which is another language. */
const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts") && !path.startsWith("simd/assembly/"))
  .map((path) => source(path, readFileSync(`src/${path}`, "utf8")));

const roomOf = (path: string): string => path.split("/")[0]!;
const lineOf = (node: ts.Node): number =>
  node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1;

function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

/** `path:line`, and what stands there. */
const place = (node: ts.Node): string =>
  `${node.getSourceFile().fileName}:${lineOf(node)}: ${node.getText().slice(0, 40)}`;

function offences({ tree }: Source, offends: (node: ts.Node) => boolean): string[] {
  const found = [...nodesOf(tree)].filter(offends).map(place);
  return [...new Set(found)];
}

/** The rooms that a file takes anything from, types too. */
function importsOf({ path, tree }: Source): string[] {
  const specifiers = [...nodesOf(tree)].filter(
    (node) =>
      ts.isStringLiteral(node) && (ts.isImportDeclaration(node.parent) || isReexport(node) || isCall(node)),
  ) as ts.StringLiteral[];
  return specifiers
    .filter(({ text }) => text.startsWith("."))
    .map(({ text }) => roomOf(posix.join(path, "..", text)));
}
const isReexport = (node: ts.Node): boolean => ts.isExportDeclaration(node.parent);
const isCall = (node: ts.Node): boolean =>
  (ts.isCallExpression(node.parent) && node.parent.expression.kind === ts.SyntaxKind.ImportKeyword) ||
  ts.isImportTypeNode(node.parent.parent);

function wrongImports(file: Source): string[] {
  const room = roomOf(file.path);
  const allowed = ROOMS[room];
  if (allowed === undefined) return [`${file.path} stands in no room`];
  return importsOf(file)
    .filter((target) => target !== room && !allowed.includes(target))
    .map((target) => `${file.path} imports ${target}`);
}

describe("rooms", () => {
  test("every file stands in a room, and imports only what lies below it", () => {
    expect(sources.flatMap(wrongImports)).toEqual([]);
  });

  test("the table has no circle: a room only takes from rooms above it in the table", () => {
    const names = Object.keys(ROOMS);
    const order = [
      "base",
      "fixed",
      "simd",
      "arch",
      "pwl",
      "quant",
      "isa",
      "machine",
      "kernels",
      "onnx",
      "model",
    ];
    expect(names.slice(0, order.length)).toEqual(order);
    for (const [i, name] of names.entries()) {
      for (const below of ROOMS[name]!)
        expect(names.indexOf(below), `${name} takes from ${below}`).toBeLessThan(i);
    }
  });

  test.each([
    ["base/a.ts", 'import { x } from "../fixed/round.ts";', ["base/a.ts imports fixed"]],
    [
      "kernels/lstm/lower.ts",
      'import type { X } from "../../machine/x.ts";',
      ["kernels/lstm/lower.ts imports machine"],
    ],
    ["report/csv.ts", 'export { x } from "../sweep/x.ts";', ["report/csv.ts imports sweep"]],
    ["sweep/run.ts", 'const x = await import("../cli/bin.ts");', ["sweep/run.ts imports cli"]],
    ["isa/x.ts", 'let x: import("../machine/x.ts").X;', ["isa/x.ts imports machine"]],
    ["attic/x.ts", "", ["attic/x.ts stands in no room"]],
    ["index.ts", "", ["index.ts stands in no room"]],
    ["isa/ops/pwl.ts", 'import { x } from "../../pwl/table.ts"; import fs from "node:fs";', []],
    ["isa/ops/pwl.ts", '// import { x } from "../../machine/x.ts"', []],
  ])("planted in %s: %s", (path, text, wrong) => {
    expect(wrongImports(source(path, text))).toEqual(wrong);
  });
});

/** The name of X in `Math.X`, in any spelling of the access. */
function mathMember(node: ts.Node): string | undefined {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return undefined;
  if (node.expression.getText() !== "Math") return undefined;
  return ts.isPropertyAccessExpression(node) ? node.name.text : "[…]";
}

const isMath =
  (...names: readonly string[]) =>
  (node: ts.Node): boolean => {
    const name = mathMember(node);
    return name !== undefined && names.includes(name);
  };

const isIdentifier = (node: ts.Node, pattern: RegExp): boolean =>
  ts.isIdentifier(node) && pattern.test(node.text);

const SHIFTS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
  ts.SyntaxKind.LessThanLessThanEqualsToken,
  ts.SyntaxKind.GreaterThanGreaterThanEqualsToken,
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken,
]);

const isThirtyTwoBit = (node: ts.Node): boolean =>
  isMath("imul", "clz32")(node) ||
  (ts.isBinaryExpression(node) &&
    (SHIFTS.has(node.operatorToken.kind) ||
      (node.operatorToken.kind === ts.SyntaxKind.BarToken && node.right.getText() === "0"))) ||
  (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.TildeToken);

/** Everything of Math that is neither exact on integers nor has a rule of its own. */
const EXACT_MATH = [
  "abs",
  "min",
  "max",
  "sign",
  "floor",
  "ceil",
  "trunc",
  "round",
  "imul",
  "clz32",
  "fround",
  "random",
];
const isTranscendental = (node: ts.Node): boolean => {
  const name = mathMember(node);
  return name !== undefined && !EXACT_MATH.includes(name);
};

/** Math as a value of its own would hide what is taken from it. */
const isMathAsValue = (node: ts.Node): boolean =>
  isIdentifier(node, /^Math$/) &&
  !(ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node);

const isAmbient = (node: ts.Node): boolean =>
  isMath("random")(node) ||
  isIdentifier(node, /^(Date|performance|hrtime|randomUUID|randomBytes|randomInt|getRandomValues)$/) ||
  (ts.isCallExpression(node) && node.expression.getText() === "seedrandom" && node.arguments.length === 0);

const isFraction = (node: ts.Node): boolean =>
  ts.isNumericLiteral(node) && !/^0[xbo]/i.test(node.getText()) && /[.]|e-/i.test(node.getText());

const isFloating = (node: ts.Node): boolean =>
  isFraction(node) || isTranscendental(node) || isIdentifier(node, /float(?!64)|^parseFloat$/i);

/** The word that wide integers are kept in: a double, exact to 2^53. */
const isWideContainer = (node: ts.Node): boolean => isIdentifier(node, /float64/i);

/** The rooms whose every number is an integer, but for their borders. */
const isIntegerFile = (path: string): boolean =>
  (["fixed", "simd", "isa", "machine"].includes(roomOf(path)) ||
    /^kernels\/[^/]+\/(exact|lower)\.ts$/.test(path)) &&
  !["fixed/real.ts", "fixed/scale.ts", "machine/energy.ts"].includes(path);

const HOUSE_RULES: readonly {
  readonly what: string;
  readonly offends: (node: ts.Node) => boolean;
  /** Paths below src in which it may stand. */
  readonly allowed: (path: string) => boolean;
  readonly caught: readonly string[];
  readonly innocent: readonly string[];
}[] = [
  {
    what: "32-bit operators",
    offends: isThirtyTwoBit,
    allowed: (path) => ["fixed", "simd"].includes(roomOf(path)),
    caught: [
      "x << 2",
      "x >> y",
      "x >>> 0",
      "x |= y >> 1",
      "x <<= 1",
      "x | 0",
      "(x / y)|0",
      "Math.imul(x, y)",
      "~~x",
    ],
    innocent: ["let x: Array<Array<number>>", "// x << 2", '"x >> y"', "x || 0", "x | y", "x > y"],
  },
  {
    what: "Math.round, whose tie rule nobody chose",
    offends: isMath("round", "[…]"),
    allowed: () => false,
    caught: ["Math.round(x)", "x.map(Math.round)", 'Math["round"](x)'],
    innocent: ["roundReal(x, mode)", "// Math.round(x)", "round(x)"],
  },
  {
    what: "Math taken apart",
    offends: isMathAsValue,
    allowed: () => false,
    caught: ["const { round } = Math", "const m = Math; m.round(x)", "f(Math)"],
    innocent: ["Math.max(x, y)", "x.map(Math.abs)"],
  },
  {
    what: "rounding to whole numbers, and to single precision",
    offends: isMath("floor", "ceil", "trunc", "fround"),
    allowed: (path) => ["fixed", "simd"].includes(roomOf(path)),
    caught: ["Math.floor(x / y)", "Math.ceil(x)", "x.map(Math.trunc)", "Math.fround(x)"],
    innocent: ["floorDiv(x, y)", "Math.max(x, y)"],
  },
  {
    what: "transcendental functions",
    offends: isTranscendental,
    allowed: (path) =>
      ["quant", "model", "train", "onnx"].includes(roomOf(path)) ||
      /^pwl\/(curves|placement|build|place\/.*)\.ts$/.test(path) ||
      /^kernels\/[^/]+\/(real|quantize)\.ts$/.test(path),
    caught: [
      "Math.exp(x)",
      "const f = Math.tanh",
      "Math.log2(x)",
      "Math.sqrt(2)",
      "Math.pow(x, y)",
      "Math.PI",
    ],
    innocent: ["exp(x)", "Math.abs(x)", "2 ** n"],
  },
  {
    what: "ambient randomness and clocks",
    offends: isAmbient,
    // How old a file is, for a person.
    allowed: (path) => path === "cli/clock.ts",
    caught: [
      "Math.random()",
      "new Date()",
      "Date.now()",
      "performance.now()",
      "process.hrtime()",
      "seedrandom()",
    ],
    innocent: ["seedrandom(name)", '"performance"', "x.update()"],
  },
  {
    what: "real numbers in integer rooms",
    offends: isFloating,
    allowed: (path) => !isIntegerFile(path),
    caught: [
      "x * 0.5",
      "1e-3",
      ".5",
      "1.0",
      "new Float32Array(4)",
      "parseFloat(x)",
      "Math.exp(x)",
      "let floats = x",
    ],
    innocent: ["x * 5", "1e3", "0x1e", "new Float64Array(4)", '"0.5"', "// a float"],
  },
  {
    what: "doubles as containers of wide integers",
    offends: isWideContainer,
    // fixed/round.ts has its table of powers of two in one.
    allowed: (path) =>
      !isIntegerFile(path) ||
      roomOf(path) === "simd" ||
      /^(isa\/(state|ops\/.*)|fixed\/round)\.ts$/.test(path),
    caught: ["new Float64Array(4)", "heap.float64(at, n)"],
    innocent: ["new Int32Array(4)"],
  },
];

describe.each(HOUSE_RULES)("kept in its room: $what", ({ offends, allowed, caught, innocent }) => {
  test("no file breaks the rule", () => {
    const wrong = sources.filter(({ path }) => !allowed(path)).flatMap((file) => offences(file, offends));
    expect(wrong).toEqual([]);
  });

  test("the rule covers some file that is there", () => {
    expect(sources.some(({ path }) => !allowed(path))).toBe(true);
  });

  test("planted offences are caught and the innocent are not", () => {
    const found = (text: string) => offences(source("planted.ts", text), offends).length > 0;
    expect(caught.filter((text) => !found(text))).toEqual([]);
    expect(innocent.filter(found)).toEqual([]);
  });
});

test.each([
  ["fixed/round.ts", true],
  ["fixed/real.ts", false],
  ["fixed/scale.ts", false],
  ["machine/energy.ts", false],
  ["machine/units/mac.ts", true],
  ["isa/ops/pwl.ts", true],
  ["kernels/lstm/exact.ts", true],
  ["kernels/lstm/lower.ts", true],
  ["kernels/lstm/quantize.ts", false],
  ["kernels/lstm/real.ts", false],
  ["pwl/curves.ts", false],
])("where real numbers end: %s holds integers only: %s", (path, integers) => {
  expect(isIntegerFile(path)).toBe(integers);
});

describe("size", () => {
  const MOST_LINES = 400;
  const MOST_LINES_OF_A_FUNCTION = 60;

  test("a file is read in one sitting, unless a tool wrote it", () => {
    const own = sources.filter(({ path }) => !path.endsWith("_pb.ts"));
    const long = own.map(({ path, tree }) => ({ path, lines: tree.text.split("\n").length - 1 }));
    expect(long.filter(({ lines }) => lines > MOST_LINES)).toEqual([]);
  });

  test("a function fits on a screen", () => {
    expect(sources.flatMap((file) => offences(file, isLongFunction))).toEqual([]);
  });

  test("a long function is caught, a short one is not", () => {
    const ofLines = (n: number) => source("planted.ts", `const f = () => {\n${"x;\n".repeat(n - 2)}};\n`);
    expect(offences(ofLines(MOST_LINES_OF_A_FUNCTION), isLongFunction)).toEqual([]);
    expect(offences(ofLines(MOST_LINES_OF_A_FUNCTION + 1), isLongFunction)).toHaveLength(1);
  });

  function isLongFunction(node: ts.Node): boolean {
    if (!ts.isFunctionLike(node) || !("body" in node)) return false;
    const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getEnd());
    return line + 2 - lineOf(node) > MOST_LINES_OF_A_FUNCTION;
  }
});
