import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { EDGE, FRAME, labelsOf, mix, NO_SPEECH, SPEECH } from "../../src/model/silero/mix.ts";
import { framesOf, type Recording, recordingsOf, stretchesOf } from "../../src/model/silero/recordings.ts";
import { readWav } from "../../src/model/silero/wav.ts";
import { temporaryFolder } from "./files.ts";

const FOLDER = "experiments/models/silero-vad";

describe("labels", () => {
  test("gaps of up to six frames are closed, and two frames on either side of an edge set apart", () => {
    const gated = [...Array(5).fill(0), 1, ...Array(6).fill(0), ...Array(5).fill(1), ...Array(7).fill(0), 1];
    const marks = { [SPEECH]: "#", [NO_SPEECH]: ".", [EDGE]: "-" };
    const text = [...labelsOf(gated)].map((label) => marks[label as 0]).join("");
    expect(text).toBe("...----########----...---");
  });

  test("scored ones are those of the closed gate, each with its neighbours", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1), { maxLength: 60 }), (gated) => {
        const labels = labelsOf(gated);
        for (const [t, label] of labels.entries()) {
          if (label === NO_SPEECH) expect(gated.slice(Math.max(0, t - 2), t + 3)).not.toContain(1);
          if (label === SPEECH)
            expect(gated.slice(Math.max(0, t - 6), t + 7).some((one) => one === 1)).toBe(true);
        }
      }),
    );
  });
});

const tone = (frames: number, level: number) =>
  Float32Array.from({ length: frames * FRAME }, (_, i) => level * Math.sin(i / 3));
const levelOf = (xs: Float32Array) => Math.sqrt(xs.reduce((sum, x) => sum + x * x, 0) / xs.length);
const inDecibels = (ratio: number) => 20 * Math.log10(ratio);

describe("a mixture", () => {
  const speech = [{ samples: tone(20, 0.9), at: 10 * FRAME }];
  const clean = mix({ frames: 60, speech, noise: "none", snr: 0 }, "seed");
  const part = (audio: Float32Array) => audio.subarray(12 * FRAME, 28 * FRAME);

  test("has speech at 26 dB below full scale, however loud it came", () => {
    expect(inDecibels(levelOf(part(clean.audio)))).toBeCloseTo(-26, 1);
    const quiet = mix(
      { frames: 60, speech: [{ samples: tone(20, 0.01), at: 10 * FRAME }], noise: "none", snr: 0 },
      "",
    );
    expect(levelOf(part(quiet.audio))).toBeCloseTo(levelOf(part(clean.audio)), 6);
  });

  test.each(["white", "pink", tone(7, 0.3)] as const)("has noise as far below as it is told", (noise) => {
    for (const snr of [20, 0]) {
      const { audio, labels } = mix({ frames: 60, speech, noise, snr }, "seed");
      const added = audio.map((x, i) => x - clean.audio[i]!);
      expect(inDecibels(levelOf(part(clean.audio)) / levelOf(added))).toBeCloseTo(snr, 0);
      expect(labels).toEqual(clean.labels);
    }
  });

  test("pink noise has as much in each octave, white twice as much as in the one below", () => {
    const silence = [{ samples: tone(1, 1e-9), at: 0 }];
    /** Energy of the differences over that of the sums: high against low octaves. */
    const tilt = (noise: "white" | "pink") => {
      const { audio } = mix({ frames: 60, speech: silence, noise, snr: 0 }, "tilt");
      const [difference, sum] = [-1, 1].map((sign) =>
        levelOf(audio.map((x, i) => x + sign * (audio[i - 1] ?? 0))),
      );
      return difference! / sum!;
    };
    expect(tilt("white")).toBeCloseTo(1, 1);
    expect(tilt("pink")).toBeLessThan(0.6);
  });

  test("one seed, one noise", () => {
    const of = (seed: string) => mix({ frames: 9, speech, noise: "pink", snr: 5 }, seed).audio;
    expect(of("a")).toEqual(of("a"));
    expect(of("a")).not.toEqual(of("b"));
  });
});

describe("the recordings that ship", () => {
  test.each(["sample", "calibration"])("%s has speech and silence, within full scale", (split) => {
    for (const { audio, labels } of recordingsOf(split, FOLDER)) {
      expect(audio).toHaveLength(labels.length * FRAME);
      expect(new Set(labels)).toEqual(new Set([SPEECH, NO_SPEECH, EDGE]));
      expect(audio.every((x) => Math.abs(x) < 1)).toBe(true);
    }
  });

  test("are no others than those that calibrate", () => {
    const clips = (split: string) =>
      JSON.stringify(JSON.parse(readFileSync(join(FOLDER, split, "tracks.json"), "utf8"))).match(
        /librivox-\d+/g,
      )!;
    expect(clips("sample").filter((clip) => clips("calibration").includes(clip))).toEqual([]);
  });

  test("the split that is fetched says how", () => {
    expect(() => recordingsOf("test", temporaryFolder())).toThrow(/scripts\/fetch-vad-data\.mjs/);
  });
});

describe("files are refused by name", () => {
  const folder = temporaryFolder();
  const at = join(folder, "sample");
  mkdirSync(at);
  const wav = readFileSync(join(FOLDER, "sample", "librivox-0890.wav"));
  const refused = (bytes: Uint8Array): string => {
    const path = join(folder, "x.wav");
    writeFileSync(path, bytes);
    try {
      readWav(path);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message.replace(`${path}: `, "");
    }
    return "nothing";
  };
  const changed = (place: number, value: number) => {
    const bytes = Uint8Array.from(wav);
    bytes[place] = value;
    return bytes;
  };

  test("audio", () => {
    expect(refused(wav)).toBe("nothing");
    expect(refused(wav.subarray(0, 6))).toBe("is no WAV file");
    expect(refused(wav.subarray(0, 40))).toBe("has no samples");
    expect(refused(wav.subarray(0, 1000))).toBe(`its chunk "data" of ${wav.length - 44} bytes is cut off`);
    const plain = "is not plain mono of 16 bits at 16000 samples a second";
    expect(refused(changed(22, 2))).toBe(plain);
    expect(refused(changed(24, 0))).toBe(plain);
    expect(refused(changed(20, 3))).toBe(plain);
    expect(refused(changed(34, 8))).toBe(plain);
    expect(() => readWav("nowhere.wav")).toThrow("nowhere.wav: no such file");
  });

  test.each([
    ["{", "not JSON"],
    ['[{"name": "a"}]', /: 0\.frames: /],
    [
      '[{"name":"a","frames":9,"speech":[{"clip":"b.wav","at":0}],"noise":"none","snr":0}]',
      /b\.wav: no such file$/,
    ],
  ])("descriptions: %s", (text, problem) => {
    writeFileSync(join(at, "tracks.json"), text);
    copyFileSync(join(FOLDER, "sample", "librivox-0890.wav"), join(at, "c.wav"));
    expect(() => recordingsOf("sample", folder)).toThrow(problem);
  });
});

describe("stretches", () => {
  const blank = (frames: number): Recording => ({
    name: `${frames}`,
    audio: Float32Array.from({ length: frames * FRAME }, (_, i) => i),
    labels: new Int8Array(frames),
  });
  const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });

  test("hold exactly the frames asked for, none of them twice", () => {
    fc.assert(
      fc.property(lengths, fc.nat(), fc.integer({ min: 1, max: 9 }), (frames, some, seed) => {
        const total = frames.reduce((a, b) => a + b);
        const count = 1 + (some % total);
        const all = frames.map(blank);
        const chosen = stretchesOf(all, count, seed);
        expect(chosen.reduce((sum, one) => sum + framesOf(one), 0)).toBe(count);
        for (const one of chosen) {
          expect(one.audio).toHaveLength(framesOf(one) * FRAME);
          expect(framesOf(one)).toBeGreaterThan(0);
        }
      }),
    );
  });

  test("another seed is the next stretch, as long as there is one", () => {
    const starts = [1, 2, 3, 4].map((seed) => stretchesOf([blank(10)], 3, seed)[0]!.audio[0]! / FRAME);
    expect(starts).toEqual([0, 3, 6, 0]);
  });
});
