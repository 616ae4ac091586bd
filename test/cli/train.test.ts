import { expect, test } from "vitest";
import { shiftline } from "./shiftline.ts";

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
