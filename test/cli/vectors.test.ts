import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { fromNpy } from "../../src/base/npy.ts";
import { phonesToText } from "../../src/model/g2p/words.ts";
import { toHex } from "../../src/report/hex.ts";
import { execute } from "../../src/sweep/execute.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { jobOf } from "../../src/sweep/measure.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { experimentIn } from "./experiments.ts";
import { type Answer, folder, shiftline, without } from "./shiftline.ts";

interface OperandJson {
  space: string;
  from: number;
  bits: number;
  count: number;
  tensor: string;
  data?: number[];
}
interface CaseJson {
  name: string;
  times: number;
  text: string;
  p: Record<string, number>;
  in: Record<string, OperandJson>;
  out: Record<string, OperandJson>;
}
interface SuiteJson {
  suite: string;
  op: string;
  rule: string;
  cases: CaseJson[];
}

const SMOKE = "g2p-smoke";
const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));

/** Exports into a new folder and gives its path. */
async function exported(...line: readonly string[]): Promise<string> {
  const out = join(folder(), "vectors");
  const { status, err } = await shiftline("vectors", SMOKE, "--out", out, ...line);
  expect({ status, err: err.replace(/^\d+\/\d+ .*\n/gm, "") }).toEqual({ status: 0, err: "" });
  return out;
}

/** What `validate` says of a folder, or of some of its operations. */
async function validated(out: string, ...operations: readonly string[]) {
  const suites = operations.map((op) => `shiftline/${op}`);
  return tally(await shiftline("validate", ...suites, "--vectors", out, "--json"));
}

function tally(answer: Answer) {
  const suites = answer.status === 70 || answer.out === "" ? [] : JSON.parse(answer.out).suites;
  const sum = (key: string) =>
    suites.reduce((total: number, one: Record<string, number>) => total + one[key]!, 0);
  return {
    ...answer,
    cases: sum("cases"),
    passed: sum("passed"),
    failures: suites.flatMap((one: { failures: unknown[] }) => one.failures),
  };
}

/** Changes the JSON of one operation. */
function edit(out: string, op: string, change: (suite: SuiteJson) => void): void {
  const path = join(out, "shiftline", `${op}.json`);
  const suite = read(path) as SuiteJson;
  change(suite);
  writeFileSync(path, JSON.stringify(suite));
}

/** Adds one to the first element of a tensor's file. */
function spoil(out: string, tensor: string): void {
  const path = join(out, "shiftline", "tensors", `${tensor}.npy`);
  const bytes = readFileSync(path);
  bytes[128] = (bytes[128]! + 1) % 256;
  writeFileSync(path, bytes);
}

describe("an export of one short word", () => {
  const files = new Map<string, Buffer>();
  /** A copy to spoil. */
  function copy(): string {
    const out = join(folder(), "vectors");
    for (const [path, bytes] of files) {
      mkdirSync(join(out, path, ".."), { recursive: true });
      writeFileSync(join(out, path), bytes);
    }
    return out;
  }
  beforeAll(async () => {
    const out = join("results", `vectors-test-${process.pid}`);
    rmSync(out, { recursive: true, force: true });
    const { status } = await shiftline("vectors", SMOKE, "--words", "it", "--out", out);
    expect(status).toBe(0);
    for (const path of readdirSync(out, { recursive: true, encoding: "utf8" }))
      if (/\.\w+$/.test(path)) files.set(path, readFileSync(join(out, path)));
    rmSync(out, { recursive: true });
  });

  test("is executed again to the bit", async () => {
    const { status, cases, passed, failures } = await validated(copy());
    expect({ status, failures }).toEqual({ status: 0, failures: [] });
    expect(cases).toBeGreaterThan(200);
    expect(passed).toBe(cases);
  });

  test("says what was run, and every tensor twice, alike", () => {
    const machine = JSON.parse(files.get("shiftline/machine.json")!.toString());
    expect(machine).toMatchObject({ suite: "shiftline", experiment: SMOKE, point: 1, machine: "edge16x16" });
    expect(machine.arch["mac.rows"]).toBe(16);
    expect(machine.recipe["weight_bits"]).toBe(8);
    expect(machine.words).toEqual([{ word: "IT", phones: expect.stringMatching(/^[A-Z ]+$/) }]);
    expect(files.get("README.md")!.toString()).toContain("IT");
    const tensors = new Set<string>();
    for (const [path, bytes] of files) {
      if (!/^shiftline\/(?!machine)[\w.]+\.json$/.test(path)) continue;
      const suite = JSON.parse(bytes.toString()) as SuiteJson;
      expect(path).toBe(`shiftline/${suite.op}.json`);
      for (const one of suite.cases) {
        for (const { tensor, bits, count, data } of [...Object.values(one.in), ...Object.values(one.out)]) {
          const npy = files.get(`shiftline/tensors/${tensor}.npy`)!;
          const { codes } = fromNpy(npy, tensor);
          const isSaid = count > 4096 ? data === undefined : codes.join() === data?.join();
          const isHex = files.get(`shiftline/tensors/${tensor}.hex`)!.toString() === toHex(codes, bits);
          if (!isSaid || !isHex || codes.length !== count) expect.fail(`${path} ${one.name} ${tensor}`);
          tensors.add(tensor);
        }
      }
    }
    expect([...files.keys()].filter((path) => path.endsWith(".npy"))).toHaveLength(tensors.size);
  });

  test("needs no files where the cases have the data", async () => {
    const out = copy();
    rmSync(join(out, "shiftline", "tensors"), { recursive: true });
    const { status, out: text } = await shiftline("validate", "shiftline/mul", "--vectors", out);
    expect(status, text).toBe(0);
  });

  test("with one wrong number in its JSON fails, naming tensor, index, got and want", async () => {
    const out = copy();
    let want = 0;
    let name = "";
    edit(out, "mul", ({ cases }) => {
      const [one] = cases;
      name = one!.name;
      want = one!.out["dst"]!.data![3] === 0 ? 1 : 0;
      one!.out["dst"]!.data![3] = want;
    });
    const { status, failures } = await validated(out, "mul");
    expect(status).toBe(1);
    expect(failures).toEqual([{ case: name, tensor: "dst", index: 3, got: expect.any(Number), want }]);
  });

  test("with one wrong number among the inputs fails too", async () => {
    const out = copy();
    edit(out, "argmax", ({ cases }) => {
      cases[0]!.in["a"]!.data![0] = cases[0]!.in["a"]!.data![0] === -128 ? -127 : -128;
    });
    const { failures } = await validated(out, "argmax");
    expect(failures).toMatchObject([
      { index: 0, tensor: expect.stringMatching(/^(dst|a in [0-9a-f]+\.npy)$/) },
    ]);
  });

  test("with one wrong byte in a .npy fails, whether the case has the data or not", async () => {
    const out = copy();
    const mul = JSON.parse(files.get("shiftline/mul.json")!.toString()) as SuiteJson;
    const { tensor } = mul.cases[0]!.out["dst"]!;
    spoil(out, tensor);
    const small = await validated(out, "mul");
    expect(small.status).toBe(1);
    expect(small.failures).toContainEqual({
      case: expect.any(String),
      tensor: expect.stringMatching(new RegExp(`^\\S+ in ${tensor}\\.npy$`)),
      index: 0,
      got: expect.any(Number),
      want: mul.cases[0]!.out["dst"]!.data![0],
    });

    const load = JSON.parse(files.get("shiftline/load.table.json")!.toString()) as SuiteJson;
    const [found, left] = [load.cases[0]!.in["src"]!, load.cases[0]!.out["dst"]!];
    expect(found.data).toBeUndefined();
    // What was found and what was left are one file; apart, only one of them is wrong.
    const apart = copy();
    const other = `0${found.tensor}`;
    const tensors = join(apart, "shiftline", "tensors");
    writeFileSync(join(tensors, `${other}.npy`), readFileSync(join(tensors, `${left.tensor}.npy`)));
    edit(apart, "load.table", ({ cases }) => {
      cases[0]!.out["dst"]!.tensor = other;
    });
    spoil(apart, other);
    const { failures } = await validated(apart, "load.table");
    expect(failures).toMatchObject([{ case: "load#0", tensor: "dst", index: 0 }]);
    expect(failures[0].want - failures[0].got === 1 || failures[0].want - failures[0].got === -255).toBe(
      true,
    );
  });

  test("that is faulty is refused in one line: file, path, rule", async () => {
    const refusal = async (change: (out: string) => void, op = "fetch"): Promise<string> => {
      const out = copy();
      change(out);
      const answer = await shiftline("validate", `shiftline/${op}`, "--vectors", out);
      expect(answer.status, answer.err).toBe(1);
      const problems = [...without(out, answer.out).matchAll(/^ {2}shiftline\/\S+, case [^:]*: (.*)$/gm)];
      expect(new Set(problems.map(([, problem]) => problem)).size).toBe(1);
      return problems[0]![1]!.replaceAll(/[0-9a-f]{16}/g, "TENSOR");
    };
    const ofFetch = (change: (one: CaseJson, suite: SuiteJson) => void) =>
      refusal((out) => edit(out, "fetch", (suite) => change(suite.cases[0]!, suite)));
    const answers = [
      await ofFetch((one) => {
        one.p["bits"] = 99;
      }),
      await ofFetch((one) => {
        one.p["length"] = 1;
      }),
      await ofFetch((one) => {
        one.in["src"]!.count = 7;
      }),
      await ofFetch((one) => {
        one.in["src"]!.data!.push(0);
      }),
      await ofFetch((one) => {
        one.in["src"]!.data![0] = 40_000;
      }),
      await ofFetch((one) => {
        one.in["a"] = one.in["src"]!;
      }),
      await ofFetch((_, suite) => {
        suite.op = "fetsch";
      }),
      await refusal((out) => {
        const path = join(out, "shiftline", "machine.json");
        const machine = read(path);
        machine.arch["mac.rows"] = 0;
        writeFileSync(path, JSON.stringify(machine));
      }),
      await refusal((out) => rmSync(join(out, "shiftline", "machine.json"))),
      await refusal((out) => {
        const load = read(join(out, "shiftline", "load.table.json")) as SuiteJson;
        rmSync(join(out, "shiftline", "tensors", `${load.cases[0]!.in["src"]!.tensor}.npy`));
      }, "load.table"),
    ];
    expect(answers.join("\n")).toMatchInlineSnapshot(`
      "FOLDER/shiftline/fetch.json: cases[0].p: IT/start#0: 0: fetch: bits: 99 is not an integer in 2 … 48
      FOLDER/shiftline/fetch.json: cases[0].p: fetch has no field length
      FOLDER/shiftline/fetch.json: cases[0].in.src.count: 7 is not 2, which the fields ask for
      FOLDER/shiftline/fetch.json: cases[0].in.src.data: 3 elements where the shapes ask for 2
      FOLDER/shiftline/fetch.json: cases[0].in.src: element 0: 40000 is no code of 16 bits
      FOLDER/shiftline/fetch.json: cases[0].in: no operand a, only src
      FOLDER/shiftline/fetch.json: op: no operation "fetsch"; did you mean fetch?
      FOLDER/shiftline/machine.json: arch: mac.rows: 0 is not an integer in 1 … 256 row
      FOLDER/shiftline/machine.json: no such file
      FOLDER/shiftline/tensors/TENSOR.npy: no such file, and its case has no data"
    `);
  });
});

describe("the words and programs that are recorded", () => {
  test("are one word of the sample, played as a sweep plays it", async () => {
    const out = await exported("--programs", "step");
    const experiment = loadExperiment(`experiments/${SMOKE}.yaml`, { words: 1 });
    const [point] = experiment.points;
    const subject = subjectOf(point!.subject);
    const { job, inputs } = jobOf(subject, point!, "fixed");
    const [outcome] = execute(job, inputs);
    const { outputs, turns: taken } = outcome!;
    const { words } = read(join(out, "shiftline", "machine.json"));
    expect(words).toEqual([
      { word: subject.model.nameOf(subject.samples[0]), phones: phonesToText(outputs) },
    ]);
    const suites = readdirSync(join(out, "shiftline")).filter((file) => /^(?!machine).*json$/.test(file));
    const cases = suites.flatMap((file) => (read(join(out, "shiftline", file)) as SuiteJson).cases);
    const turns = new Set(cases.map(({ name }) => /^[A-Z']+\/step(\d+)#\d+$/.exec(name)?.[1]));
    expect(Math.max(...Array.from(turns, Number))).toBe(taken[1]);
  });

  test("are mapped as --mapper says, and the folder says how", async () => {
    const line = ["vectors", SMOKE, "--words", "it", "--programs", "step", "--arch", "edge8x8"];
    const mapped = async (mapper: string) => {
      const out = join(folder(), "vectors");
      const { status, out: text } = await shiftline(...line, "--mapper", mapper, "--out", out);
      expect(status).toBe(0);
      return { text, machine: read(join(out, "shiftline", "machine.json")), out };
    };
    const [fixed, found] = [await mapped("fixed"), await mapped("search")];
    expect(fixed.machine.mapping.by).toBe("fixed");
    expect(fixed.text).toContain("by the fixed rule; 2 stream buffers of ");
    expect(found.machine.mapping.by).toBe("search");
    expect(found.text).toContain("found by a search with the clock as its cost; ");
    expect(found.machine.words).toEqual(fixed.machine.words);
    const { failures } = await validated(found.out);
    expect(failures).toEqual([]);
  });

  test("equal cases are written once and counted, and equal exports are equal", async () => {
    const line = ["--words", "ah,ah", "--programs", "start"];
    const [out, again] = [await exported(...line), await exported(...line)];
    const files = readdirSync(out, { recursive: true, encoding: "utf8" });
    expect(readdirSync(again, { recursive: true, encoding: "utf8" }).sort()).toEqual(files.sort());
    for (const file of files.filter((path) => path.endsWith(".json")))
      expect(readFileSync(join(again, file), "utf8")).toBe(readFileSync(join(out, file), "utf8"));
    const { cases } = read(join(out, "shiftline", "fetch.json")) as SuiteJson;
    expect(cases.map(({ name, times, text }) => ({ name, times, text }))).toEqual([
      { name: "AH/start#0", times: 2, text: expect.stringMatching(/^fetch dst=\d+ src=0 n=2 bits=16$/) },
    ]);
  });

  test.each([["tflite-lstm"], ["pure-shift"]])("recipe %s: executed again to the bit", async (recipe) => {
    const out = await exported("--recipe", recipe, "--words", "it");
    const { status, cases, passed, failures } = await validated(out);
    expect({ status, failures }).toEqual({ status: 0, failures: [] });
    expect(passed).toBe(cases);
  });
});

describe("refusals", () => {
  test("are one line on stderr, and leave nothing behind", async () => {
    const here = folder();
    const taken = join(here, "taken");
    mkdirSync(taken);
    writeFileSync(join(taken, "a"), "");
    writeFileSync(join(here, "file"), "");
    const small = experimentIn(here);
    const out = join(here, "out");
    const lines = [
      ["--out", taken],
      ["--out", join(here, "file")],
      ["--out", join(here, "file", "x")],
      [],
      ["--out", out, "--words", "caf\u00e9"],
      ["--out", out, "--words", "a,,b"],
      ["--out", out, "--words", "a".repeat(33)],
      ["--out", out, "--words", "0"],
      ["--out", out, "--programs", "stop"],
      ["--out", out, "--point", "9"],
    ];
    const answers: string[] = [];
    for (const line of lines) {
      const { status, out: text, err } = await shiftline("vectors", small, ...line);
      expect(text).toBe("");
      answers.push(`${status} ${without(here, err).trimEnd()}`);
    }
    expect(readdirSync(here).sort()).toEqual(["file", "small.yaml", "taken"]);
    expect(readdirSync(taken)).toEqual(["a"]);
    expect(answers.join("\n")).toMatchInlineSnapshot(`
      "1 shiftline: FOLDER/taken: is not empty
      1 shiftline: FOLDER/file: cannot be written (ENOTDIR)
      1 shiftline: FOLDER/file/x: cannot be written (ENOTDIR)
      2 shiftline: Missing required argument: out (see shiftline --help)
      1 shiftline: --words: the model knows no letter "É"
      1 shiftline: --words: a word without letters
      1 shiftline: a word of 33 letters: the model's input has room for 32
      2 shiftline: --words takes a whole number from 1 on, not "0" (see shiftline --help)
      2 shiftline: --programs takes any of load,start,step, not "stop" (see shiftline --help)
      1 shiftline: FOLDER/small.yaml: there is no point 9, only 1 … 1"
    `);
  });

  test("a folder that is empty is taken", async () => {
    const here = folder();
    const out = join(here, "v");
    mkdirSync(out);
    const line = ["--out", out, "--words", "a", "--programs", "step", "--json"];
    const { status, out: text } = await shiftline("vectors", experimentIn(here), ...line);
    expect(status).toBe(0);
    const { folder: path, instructions, cases, operations, bytes } = JSON.parse(text);
    expect(existsSync(join(path, "shiftline", "machine.json"))).toBe(true);
    expect(instructions).toBeGreaterThanOrEqual(cases);
    expect(Object.values<number>(operations).reduce((a, b) => a + b, 0)).toBe(cases);
    expect(bytes).toBeLessThan(60e6);
  });
});
