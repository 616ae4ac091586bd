import { expect, test } from "vitest";
import { folder, shiftline, without } from "./shiftline.ts";

const LM = "experiments/models/lm-ln/lm-ln.safetensors";

test("writes weights that the other model takes", async () => {
  const at = folder();
  const { status, out } = await shiftline("swap-norms", LM, "--out", `${at}/mad.safetensors`);
  expect({ status, out: without(at, out) }).toEqual({
    status: 0,
    out: "wrote FOLDER/mad.safetensors: 3 norms swapped\n",
  });
  const run = await shiftline(
    "run",
    "--model",
    "lm-mad",
    "--words",
    "20",
    "--weights",
    `${at}/mad.safetensors`,
  );
  expect(run.status).toBe(0);
});

test.each([
  [["swap-norms", LM], 2, "shiftline: swap-norms needs --out FILE (see shiftline --help)\n"],
  [
    ["swap-norms", "experiments/models/lm-mogrifier/lm-mogrifier.safetensors", "--out", "x"],
    1,
    "shiftline: experiments/models/lm-mogrifier/lm-mogrifier.safetensors: no tensor is a gain of a norm\n",
  ],
])("%j is refused", async (words, status, err) => {
  expect(await shiftline(...words)).toEqual({ status, out: "", err });
});
