import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import seedrandom from "seedrandom";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { toNpyTensor } from "../../src/base/npy.ts";
import { readSamples } from "../../src/onnx/data.ts";
import type { Dtype } from "../../src/onnx/dtype.ts";
import type { Input } from "../../src/onnx/graph.ts";
import type { Shape } from "../../src/onnx/tensor.ts";
import { zipOf } from "../support/zip.ts";

let at = "";
beforeAll(() => {
  at = mkdtempSync(join(tmpdir(), "shiftline-data-"));
});
afterAll(() => rmSync(at, { recursive: true }));

function written(name: string, contents: string | Uint8Array): string {
  const path = join(at, name);
  writeFileSync(path, contents);
  return path;
}

const inputOf = (name: string, shape: Shape | undefined, dtype: Dtype = "float32"): Input => ({
  ...{ name, shape, dtype },
});

type Source = Parameters<typeof toNpyTensor>[0];
const counted = (shape: readonly number[], dtype: Source["dtype"] = "float64"): Source => ({
  ...{ dtype, shape },
  data: Array.from({ length: shape.reduce((all, size) => all * size, 1) }, (_, i) => i),
});

/** Samples as plain data. */
const plain = (path: string, ...inputs: readonly Input[]) =>
  readSamples(path, inputs).map((sample) =>
    Object.fromEntries(
      [...sample].map(([name, { dtype, shape, data }]) => [
        name,
        `${dtype} [${shape}] ${Array.from(data).join(" ")}`,
      ]),
    ),
  );

/** What is wrong with a file, without its folder. */
function refusalOf(path: string, ...inputs: readonly Input[]): string {
  try {
    readSamples(path, inputs);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message.replaceAll(`${at}/`, "");
  }
  throw new Error("it was read");
}

const archive = (arrays: Readonly<Record<string, Source>>, method = 0): Uint8Array =>
  zipOf(
    Object.entries(arrays).map(([name, array]) => ({
      ...{ name: `${name}.npy`, bytes: toNpyTensor(array), method },
    })),
  );

describe("the first axis counts samples", () => {
  test("each of which keeps it, of size 1, where the input has a batch and the array the input's rank", () => {
    const path = written("a.npy", toNpyTensor(counted([2, 3])));
    const wanted = [{ x: "float32 [1,3] 0 1 2" }, { x: "float32 [1,3] 3 4 5" }];
    expect(plain(path, inputOf("x", [1, 3]))).toEqual(wanted);
    // An axis more, and the batch is the array's own.
    expect(plain(written("a.npy", toNpyTensor(counted([2, 1, 3]))), inputOf("x", [1, 3]))).toEqual(wanted);
  });

  test("each of which is without it where the input has none", () => {
    const path = written("a.npy", toNpyTensor(counted([2, 2, 2])));
    expect(plain(path, inputOf("x", [2, 2]))).toEqual([
      { x: "float32 [2,2] 0 1 2 3" },
      { x: "float32 [2,2] 4 5 6 7" },
    ]);
    expect(plain(written("a.npy", toNpyTensor(counted([2]))), inputOf("x", []))).toEqual([
      { x: "float32 [] 0" },
      { x: "float32 [] 1" },
    ]);
  });

  test("sizes that the model leaves open are the array's", () => {
    const path = written("a.npy", toNpyTensor(counted([1, 4])));
    expect(plain(path, inputOf("x", [1, "T"]))).toEqual([{ x: "float32 [1,4] 0 1 2 3" }]);
    expect(plain(path, inputOf("x", undefined))).toEqual([{ x: "float32 [4] 0 1 2 3" }]);
  });

  test("property: samples put together again are the array, whatever its sizes", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), sizes, fc.boolean(), (count, shape, hasBatch) => {
        const path = written("p.npy", toNpyTensor(counted([count, ...shape])));
        const samples = readSamples(path, [inputOf("x", hasBatch ? [1, ...shape] : shape)]);
        expect(samples).toHaveLength(count);
        const together = samples.flatMap((sample) => Array.from(sample.get("x")!.data));
        expect(together).toEqual(Array.from(counted([count, ...shape]).data));
      }),
    );
  });
});

describe(".npz", () => {
  test("has an array for each input, by its name; others are left alone", () => {
    const arrays = { x: counted([2, 3]), ids: counted([2], "int64"), labels: counted([7, 7]) };
    for (const method of [0, 8])
      expect(
        plain(
          written("a.npz", archive(arrays, method)),
          inputOf("ids", [], "int64"),
          inputOf("x", [1, 3], "float64"),
        ),
      ).toEqual([
        { ids: "int64 [] 0", x: "float64 [1,3] 0 1 2" },
        { ids: "int64 [] 1", x: "float64 [1,3] 3 4 5" },
      ]);
  });

  // Made with NumPy 2.4.6 by savez and savez_compressed of x = asfortranarray([[0.5, -1.25, 3], [4, 5.5, -6]]) and
  // ids = array([7, -9], dtype=int64). Its local headers keep sizes in ZIP64 fields, the directory does not.
  test.each([
    [
      "savez",
      "UEsDBC0AAAAAAAAAIQAS2FOl//////////8FABQAeC5ucHkBABAAsAAAAAAAAACwAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmOCcsICdmb3J0cmFuX29yZGVyJzogVHJ1ZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAA4D8AAAAAAAAQQAAAAAAAAPS/AAAAAAAAFkAAAAAAAAAIQAAAAAAAABjAUEsDBC0AAAAAAAAAIQBViStv//////////8HABQAaWRzLm5weQEAEACQAAAAAAAAAJAAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoHAAAAAAAAAPf/////////UEsBAi0DLQAAAAAAAAAhABLYU6WwAAAAsAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsBAi0DLQAAAAAAAAAhAFWJK2+QAAAAkAAAAAcAAAAAAAAAAAAAAIAB5wAAAGlkcy5ucHlQSwUGAAAAAAIAAgBoAAAAsAEAAAAA",
    ],
    [
      "savez_compressed",
      "UEsDBC0AAAAIAAAAIQAS2FOl//////////8FABQAeC5ucHkBABAAsAAAAAAAAABaAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqGuo6Cell9UUpSYF59flJIKEg8pKk0FChdnJBakArkaRjoKxpo6CrUK5AMuBjB4YA+hBRwg9Jf9EFoMyueA0hIHAFBLAwQtAAAACAAAACEAVYkrb///////////BwAUAGlkcy5ucHkBABAAkAAAAAAAAABLAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC52Bgj4/h8CAFBLAQItAy0AAAAIAAAAIQAS2FOlWgAAALAAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQItAy0AAAAIAAAAIQBViStvSwAAAJAAAAAHAAAAAAAAAAAAAACAAZEAAABpZHMubnB5UEsFBgAAAAACAAIAaAAAABUBAAAAAA==",
    ],
  ])("of NumPy's %s is read", (_, base64) => {
    const path = written("numpy.npz", Buffer.from(base64, "base64"));
    expect(plain(path, inputOf("x", [1, 3]), inputOf("ids", [1], "int32"))).toEqual([
      { x: "float32 [1,3] 0.5 -1.25 3", ids: "int32 [1] 7" },
      { x: "float32 [1,3] 4 5.5 -6", ids: "int32 [1] -9" },
    ]);
  });
});

describe(".csv", () => {
  const x = inputOf("x", [1, 2, 2]);
  const wanted = [{ x: "float32 [1,2,2] 1 -2.5 3000 0.5" }, { x: "float32 [1,2,2] 4 3 2 1" }];

  test.each([
    ["bare", "1,-2.5,3e3,.5\n4,3,2,1\n"],
    [
      "with a header, CRLF, a byte order mark and spaces",
      '\ufeff"a,b",c,d,e\r\n1, -2.5,+3E3,0.5 \r\n4,3,2,1',
    ],
  ])("%s is a row a sample", (_, text) => {
    expect(plain(written("a.csv", text), x)).toEqual(wanted);
  });

  test.each([
    ["1,2,3,x\n", 'a.csv: record 1, field 4: "x" is no number'],
    ["1,2,3,4\n1,2,3,nan\n", 'a.csv: record 2, field 4: "nan" is no number'],
    ["a,b,c,d\n1,2,3,0x10\n", 'a.csv: record 2, field 4: "0x10" is no number'],
    ["1,2,3,\n", 'a.csv: record 1, field 4: "" is no number'],
    ["1,2,3\n", "a.csv: record 1 has 3 fields where float32 [1, 2, 2] takes 4"],
    ["1,2,3,4\n\n1,2,3,4\n", "a.csv: record 2 has 1 fields where float32 [1, 2, 2] takes 4"],
    ["a,b,c,d\n", "a.csv: has no samples"],
    ["", "a.csv: has no samples"],
    ["1,2,3,1e39\n", "a.csv: sample 1: element 3 is 1e+39, which float32 has not"],
    ['1,2,3,"4\n', "a.csv: record 1 is not CSV"],
  ])("%j is refused", (text, message) => {
    expect(refusalOf(written("a.csv", text), x)).toBe(message);
  });

  test("with a quote that never ends is refused at once, however long it is", () => {
    const before = process.cpuUsage();
    expect(refusalOf(written("a.csv", `"${"a".repeat(1e6)}`), x)).toBe("a.csv: record 1 is not CSV");
    expect(process.cpuUsage(before).user).toBeLessThan(2e6);
  });

  test("of an input that leaves sizes open is refused", () => {
    expect(refusalOf(written("a.csv", "1\n"), inputOf("x", [1, "T"]))).toBe(
      "a.csv: float32 [1, T] leaves sizes open, so that rows have no length: give them",
    );
  });
});

describe("what does not fit is refused in a line", () => {
  const x = inputOf("x", [1, 3]);
  const npy = (array: Source) => written("a.npy", toNpyTensor(array));

  test("shapes, and files for other inputs", () => {
    expect(refusalOf(npy(counted([2, 4])), x)).toBe(
      "a.npy: [2, 4] where [samples, 3] or [samples, 1, 3] is needed",
    );
    expect(refusalOf(npy(counted([2, 2, 3])), x)).toBe(
      "a.npy: [2, 2, 3] where [samples, 3] or [samples, 1, 3] is needed",
    );
    expect(refusalOf(npy(counted([2, 3])), inputOf("x", [2, 3]))).toBe(
      "a.npy: [2, 3] where [samples, 2, 3] is needed",
    );
    expect(refusalOf(npy(counted([])), x)).toBe("a.npy: one number has no axis that counts samples");
    expect(refusalOf(npy(counted([0, 3])), x)).toBe("a.npy: has no samples");
    expect(refusalOf(npy(counted([1e15, 0])), inputOf("x", undefined))).toBe(
      "a.npy: samples of [0] have no elements",
    );
    expect(refusalOf(npy(counted([2, 3])), x, inputOf("y", [1]))).toBe(
      "a.npy: .npy is for one input, not x, y: take an .npz of them",
    );
    expect(refusalOf(written("a.txt", "1"), x)).toBe("a.txt: samples are read of .npz, .npy and .csv");
    expect(refusalOf(join(at, "none.npz"), x)).toBe("none.npz: no such file");
    expect(refusalOf(npy(counted([2, 3])))).toBe("a.npy: the model takes no inputs, so it has no samples");
  });

  test("arrays that are missing, or of other numbers of samples", () => {
    expect(refusalOf(written("a.npz", archive({ y: counted([1]) })), x)).toBe(
      "a.npz: has no array for the input x: its entries are y.npy",
    );
    const uneven = archive({ x: counted([2, 3]), y: counted([3]) });
    expect(refusalOf(written("a.npz", uneven), x, inputOf("y", []))).toBe(
      "a.npz: y: 3 samples where x has 2",
    );
  });

  test.each<[Dtype, number, boolean]>([
    ["float32", Number.NaN, false],
    ["float32", Number.NEGATIVE_INFINITY, false],
    ["float16", 65504, true],
    ["float16", 65520, false],
    ["int8", 127, true],
    ["int8", 128, false],
    ["int8", -128, true],
    ["int8", 0.5, false],
    ["uint8", 255, true],
    ["uint8", -1, false],
    ["int4", 7, true],
    ["int4", 8, false],
    ["uint4", 16, false],
    ["int64", 2 ** 53, false],
    ["bool", 1, true],
    ["bool", 2, false],
  ])("of %s an element %d: %s", (dtype, value, isFit) => {
    const path = npy({ dtype: "float64", shape: [2, 2], data: [0, 1, 0, value] });
    const input = inputOf("x", [1, 2], dtype);
    if (isFit) expect(readSamples(path, [input])[1]!.get("x")!.data[1]).toBe(value);
    else
      expect(refusalOf(path, input)).toBe(`a.npy: sample 2: element 1 is ${value}, which ${dtype} has not`);
  });
});

const FILES = 1500;

test(`${FILES} mutated files are read or refused in a line, each within a second`, () => {
  const inputs = [inputOf("x", [1, 3]), inputOf("ids", [], "int64")];
  const arrays = { x: counted([2, 3]), ids: counted([2], "int64") };
  const originals = [
    { name: "f.npz", file: archive(arrays), inputs },
    { name: "f.npz", file: archive(arrays, 8), inputs },
    { name: "f.npy", file: toNpyTensor(counted([2, 3])), inputs: inputs.slice(0, 1) },
    { name: "f.csv", file: new TextEncoder().encode('a,b,"c"\n1,2,3\n4,5,6\n'), inputs: inputs.slice(0, 1) },
  ];
  const fates = { read: 0, refused: 0 };
  for (let i = 0; i < FILES; i++) {
    const random = seedrandom(`data/${i}`);
    const { name, file, inputs: own } = originals[i % originals.length]!;
    const path = written(name, mutated(file, random));
    const before = process.cpuUsage();
    try {
      readSamples(path, own);
      fates.read++;
    } catch (error) {
      if (!(error instanceof InputError)) throw new Error(`file ${i}`, { cause: error });
      expect(error.message.split("\n"), `file ${i}`).toHaveLength(1);
      fates.refused++;
    }
    const { user, system } = process.cpuUsage(before);
    expect(user + system, `microseconds for file ${i}`).toBeLessThan(1e6);
  }
  expect(fates.refused).toBeGreaterThan(FILES / 3);
  expect(fates.read).toBeGreaterThan(FILES / 20);
});

/** A few bytes set anew, a bit flipped, an end cut off, or a stretch put elsewhere. */
function mutated(file: Uint8Array, random: () => number): Uint8Array {
  const below = (n: number) => Math.floor(random() * n);
  const copy = file.slice();
  switch (below(4)) {
    case 0:
      for (let n = 1 + below(3); n > 0; n--) copy[below(file.length)] = [0, 1, 0x7f, 0x80, 0xff][below(5)]!;
      return copy;
    case 1:
      copy[below(file.length)]! ^= 1 << below(8);
      return copy;
    case 2:
      return file.slice(0, below(file.length));
    default: {
      const from = below(file.length);
      const stretch = file.subarray(from, from + below(40));
      const to = below(file.length);
      copy.set(stretch.subarray(0, file.length - to), to);
      return copy;
    }
  }
}
