import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { G2P, safetensorsBytes, temporaryFolder } from "./files.ts";

const folder = temporaryFolder();
const path = join(folder, "model.safetensors");

function bytesOf(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

const halves = (values: readonly number[]) => new Uint8Array(Uint16Array.from(values).buffer);

/** What reading such a file says, without the file's name in front. */
function complaint(file: Uint8Array): string {
  writeFileSync(path, file);
  try {
    readSafetensors(path);
  } catch (e) {
    if (!(e instanceof InputError)) throw e;
    expect(e.where).toBe(path);
    return e.message.slice(path.length + 2);
  }
  return "nothing";
}

const refused = (header: unknown, body: Uint8Array) => complaint(safetensorsBytes(header, body));
const f32 = (shape: readonly number[], from: number, to: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [from, to],
});

describe("what is read", () => {
  test("single precision, a scalar and an empty tensor, in header order, metadata left out", () => {
    const header = {
      __metadata__: { format: "pt" },
      b: f32([2, 1], 4, 12),
      a: f32([], 0, 4),
      empty: f32([0, 3], 12, 12),
    };
    writeFileSync(path, safetensorsBytes(header, bytesOf([1.5, -2, 0.1])));
    expect([...readSafetensors(path)]).toEqual([
      ["b", { dtype: "F32", shape: [2, 1], data: Float32Array.of(-2, 0.1) }],
      ["a", { dtype: "F32", shape: [], data: Float32Array.of(1.5) }],
      ["empty", { dtype: "F32", shape: [0, 3], data: new Float32Array() }],
    ]);
  });

  test("a header whose length leaves the body unaligned", () => {
    for (const pad of ["", " ", "  ", "   "]) {
      const header = `{"a":${JSON.stringify(f32([1], 0, 4))}}${pad}`;
      writeFileSync(path, safetensorsBytes(header, bytesOf([7])));
      expect(readSafetensors(path).get("a")!.data).toEqual(Float32Array.of(7));
    }
  });

  test("half precision: one, largest, smallest normal, smallest and largest subnormal, both zeros, a third", () => {
    const bits = [0x3c00, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x0000, 0x8000, 0x3555, 0xc000];
    const entry = { dtype: "F16", shape: [bits.length], data_offsets: [0, 2 * bits.length] };
    writeFileSync(path, safetensorsBytes({ a: entry }, halves(bits)));
    const { dtype, data } = readSafetensors(path).get("a")!;
    const wanted = [1, 65504, 2 ** -14, 2 ** -24, 1023 * 2 ** -24, 0, -0, 1365 * 2 ** -12, -2];
    expect(dtype).toBe("F16");
    expect([...data]).toEqual(wanted);
  });

  test("every finite half is the value of its fields", () => {
    const bits = Array.from({ length: 65536 }, (_, i) => i).filter((i) => ((i >> 10) & 31) !== 31);
    const entry = { dtype: "F16", shape: [bits.length], data_offsets: [0, 2 * bits.length] };
    writeFileSync(path, safetensorsBytes({ a: entry }, halves(bits)));
    const { data } = readSafetensors(path).get("a")!;
    for (const [i, b] of bits.entries()) {
      const exponent = (b >> 10) & 31;
      const magnitude = ((b & 1023) / 1024 + (exponent ? 1 : 0)) * 2 ** (Math.max(exponent, 1) - 15);
      const value = b >> 15 ? -magnitude : magnitude;
      if (!Object.is(data[i], value)) expect.fail(`0x${b.toString(16)} reads ${data[i]}, not ${value}`);
    }
  });
});

describe("what is refused", () => {
  test("a file that is not there, or is a folder", () => {
    const absent = join(folder, "absent.safetensors");
    expect(() => readSafetensors(absent)).toThrow(new InputError(absent, "no such file"));
    expect(() => readSafetensors(folder)).toThrow(new InputError(folder, "cannot be read (EISDIR)"));
  });

  test("a file cut in the length or in the header", () => {
    expect(complaint(Uint8Array.of(1, 2, 3))).toBe("truncated: 3 bytes are less than the 8 of a length");
    const whole = safetensorsBytes({ a: f32([1], 0, 4) }, bytesOf([1]));
    expect(complaint(whole.subarray(0, 30))).toMatch(/a header of \d+ bytes, but 22 follow/);
    const absurd = new Uint8Array(16).fill(255);
    expect(complaint(absurd)).toMatch(/^truncated or not safetensors: a header of \d+ bytes, but 8 follow$/);
  });

  test("a header that is not a JSON object", () => {
    expect(refused("{", bytesOf([]))).toMatch(/^header is not JSON: /);
    for (const header of ["[]", "null", "1"]) {
      expect(refused(header, bytesOf([]))).toBe("header is not a JSON object of tensors");
    }
  });

  test("an entry without its fields, by key", () => {
    const said = refused({ a: 1, b: { dtype: "F32", shape: [1, -1], data_offsets: [0] } }, bytesOf([]));
    expect(said).toMatch(/^a: .*; b\.shape\.1: .*; b\.data_offsets.*: /);
  });

  test("a dtype that is neither F32 nor F16", () => {
    const entry = { dtype: "BF16", shape: [2], data_offsets: [0, 4] };
    expect(refused({ a: entry }, bytesOf([1]))).toBe("a: dtype BF16 is not one of F32, F16");
  });

  test("offsets that do not match the shape", () => {
    const said = "a: F32 [2, 3] takes 24 bytes, but data_offsets 0 … 20";
    expect(refused({ a: f32([2, 3], 0, 20) }, bytesOf([1, 2, 3, 4, 5]))).toBe(said);
  });

  test("a body that ends too soon", () => {
    const said = refused({ a: f32([1], 0, 4), b: f32([2], 4, 12) }, bytesOf([1, 2]));
    expect(said).toBe("b: ends at byte 12 of a body of 8 (truncated?)");
  });

  test("arrays that overlap", () => {
    const said = refused({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, bytesOf([1, 2, 3]));
    expect(said).toBe("b: begins at byte 4, but a ends at 8");
  });

  test("bytes that belong to no tensor, between and behind", () => {
    const said = refused({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, bytesOf([1, 2, 3, 4]));
    expect(said).toBe("b: bytes 4 … 8 before it belong to no tensor; the last 4 bytes belong to no tensor");
  });

  test("values that are not finite, in both precisions", () => {
    const single = refused({ a: f32([3], 0, 12) }, bytesOf([1, NaN, -Infinity]));
    expect(single).toBe("a: element 1 is NaN, not a finite number (2 such of 3)");
    const entry = { dtype: "F16", shape: [4], data_offsets: [0, 8] };
    const half = refused({ a: entry }, halves([0x3c00, 0xfc00, 0x7c01, 0x7c00]));
    expect(half).toBe("a: element 1 is -Infinity, not a finite number (3 such of 4)");
  });

  test("all faults at once", () => {
    const header = {
      a: { dtype: "I8", shape: [4], data_offsets: [0, 4] },
      b: f32([1], 4, 8),
      c: f32([9], 8, 40),
      d: f32([4], 8, 24),
    };
    expect(refused(header, bytesOf([0, Infinity, 0]))).toBe(
      [
        "a: dtype I8 is not one of F32, F16",
        "c: F32 [9] takes 36 bytes, but data_offsets 8 … 40",
        "d: ends at byte 24 of a body of 12 (truncated?)",
        "b: element 0 is Infinity, not a finite number (1 such of 1)",
      ].join("; "),
    );
  });

  test("the shipped model cut anywhere is refused", () => {
    const whole = readFileSync(join(G2P, "g2p.safetensors"));
    for (const kept of [0, 7, 8, 1000, whole.length - 189_544, whole.length - 1]) {
      expect(complaint(whole.subarray(0, kept)), `${kept} bytes kept`).not.toBe("nothing");
    }
    expect(complaint(whole)).toBe("nothing");
  });
});
