import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { safetensorsOf } from "../../src/model/safetensors-writer.ts";
import { folder, shiftline, without } from "./shiftline.ts";

test.each([
  [["train"], 2, "shiftline: train needs a model, as in: train lm-ln (see shiftline --help)\n"],
  [["train", "lm-lm"], 1, "shiftline: lm-lm: no such model to train; did you mean lm-ln?\n"],
  [
    ["train", "lm-ln", "--epochs", "0"],
    2,
    "shiftline: --epochs takes a number above 0, not 0 (see shiftline --help)\n",
  ],
  [
    ["train", "lm-ln", "--seed", "-1"],
    2,
    'shiftline: --seed takes a whole number from 0 on, not "-1" (see shiftline --help)\n',
  ],
  [
    ["train", "lm-ln", "--arch", "edge8x8"],
    2,
    "shiftline: --arch is for fine-tuning, with a --recipe (see shiftline --help)\n",
  ],
  [
    ["train", "lm-ln", "--epochs", "1", "--recipe", "tuning_steps=1"],
    2,
    "shiftline: --epochs is of floats; fine-tuning has tuning_steps, in --recipe (see shiftline --help)\n",
  ],
  [
    ["train", "g2p-mad", "--recipe", "weight_bits=4"],
    1,
    "shiftline: --recipe: tuning_steps: 0 steps leave the weights as they are\n",
  ],
])("%j is refused", async (words, status, err) => {
  expect(await shiftline(...words)).toEqual({ status, out: "", err });
});

test("--ops tells what gradients are known of", async () => {
  const { status, out } = await shiftline("train", "--ops");
  expect(status).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "linear        y = x W^T + b
    add           y = a + b; the rows of b repeat, and so does a single column
    multiply      y = a b elementwise; the rows of b repeat, and so does a single column
    affine        y = factor x + offset, both constants
    sigmoid       y = 1 / (1 + e^-x)
    tanh          y = tanh x
    softmax       y_j = e^x_j / sum e^x, over each row
    crossEntropy  y = log sum e^x - (1 - smoothing) x_target - smoothing mean x, over each row
    distill       y = log sum e^x - sum of p x, p the teacher's shares, over each row (Hinton et al. 2015)
    norm          y = (x - mean) / d * gain + shift; layer: d = sqrt(variance + epsilon), mad: d = max(mean |x -
                  mean|, epsilon)
    cell          c' = s(f + forgetBias) c + open tanh(g), open = s(i), or min(s(i), 1 - s(f)) where capped
    expose        h = s(o) tanh(c), o the last block of the gates
    gather        y_i = row id_i of the table; the gradient is added to the rows that were read
    dropout       y = x times a mask of 0 and 1 / (1 - rate), drawn from (seed, step, site), of 1 outside
                  training; masks repeat every \`rows\` rows
    concatenate   y = [x1 x2 …], side by side
    slice         y = \`columns\` columns of x, beginning with \`from\`
    transpose     y_ji = x_ij
    fold          y_i = x_i + x_(i + rows) + x_(i + 2 rows) + …: the sum over time steps of a batch of \`rows\`
    sum           y = the sum of all elements of x, taken in double precision
    "
  `);
});

test("fine-tuned weights bring their ranges, which no calibration replaces", async () => {
  const at = folder();
  const tuned = ["--recipe", "tuning_steps=1", "--recipe", "weight_bits=4"];
  const { status } = await shiftline("train", "g2p-mad", "--out", at, ...tuned);
  expect(status).toBe(0);
  expect(JSON.parse(readFileSync(join(at, "training.json"), "utf8"))).toMatchObject({
    model: "g2p-mad",
    recipe: { epochs: 1 / 250 },
  });
  const weights = join(at, "g2p-mad.safetensors");
  const run = (file: string) =>
    shiftline(
      ...[
        "run",
        "--model",
        "g2p-mad",
        "--recipe",
        "weight_bits=4",
        "--words",
        "40",
        "--json",
        "--weights",
        file,
      ],
    );
  const metricsOf = ({ out }: { readonly out: string }) => JSON.parse(out).metrics;
  const own = metricsOf(await run(weights));
  const calibrated = join(at, "calibrated.safetensors");
  writeFileSync(calibrated, safetensorsOf(readSafetensors(weights)));
  expect(metricsOf(await run(calibrated))).not.toEqual(own);
  const faulty = join(at, "faulty.safetensors");
  writeFileSync(
    faulty,
    safetensorsOf(readSafetensors(weights), { ranges: '{"ranges":{"letters":{"lo":0}},"lookups":{}}' }),
  );
  const refused = await run(faulty);
  expect(refused.status).toBe(1);
  expect(without(at, refused.err)).toMatch(
    /^shiftline: FOLDER\/faulty.safetensors: ranges.ranges.letters.hi: .*\n$/,
  );
}, 120_000);
