import { expect, test } from "vitest";
import { shiftline } from "./shiftline.ts";

test("of a model's metrics, where nothing else is asked for", async () => {
  const { status, out } = await shiftline("means", "experiments/qat-pieces-g2p-mad.csv", "--json");
  expect(status).toBe(0);
  const [first, ...rest] = JSON.parse(out);
  expect(first).toMatchObject({ name: "edge16x16 pwl_pieces=4", count: 1 });
  expect(Object.keys(first.figures)).toEqual([
    "per_pct",
    "wer_pct",
    "per_float_pct",
    "wer_float_pct",
    "agreement_pct",
  ]);
  expect(rest.at(-1)).toMatchObject({ count: 3, figures: { per_float_pct: { deviation: 0 } } });
});

test.each([
  [["means", "README.md"], /^shiftline: README.md: record \d+ .*\n$/],
  [
    ["means", "experiments/pwl.csv"],
    "shiftline: experiments/pwl.csv: not a CSV that sweep wrote of a model known here\n",
  ],
])("%j is refused", async (words, message) => {
  const { status, err } = await shiftline(...words);
  expect(status).toBe(1);
  expect(err).toMatch(message);
});
