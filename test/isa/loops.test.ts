import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { Program } from "../../src/isa/program.ts";
import { unroll } from "../../src/isa/program.ts";
import { mayOverflow, validate, Written } from "../../src/isa/validate.ts";
import { pick, within } from "./random.ts";
import { bytesWritten, judged } from "./unrolled.ts";

type Rng = () => number;

const EXTENTS = { image: 300, data: 300 };
const settingsOf = (bits = 32) =>
  makeArch({
    "activation.bytes": 512,
    "weight.bytes": 256,
    "table.bytes": 256,
    "acc.entries": 64,
    "acc.bits": bits,
    "activation.banks": 4,
    "requant.kind": "shift",
  }).settings;

/** A random program of small operands: mostly legal in some generators' hands, rarely in others'. */
class Generator {
  readonly #rng: Rng;
  /** One width for all, or several. */
  readonly #widths: readonly number[];
  readonly #reach: number;
  readonly #strides: readonly number[];

  constructor(rng: Rng) {
    this.#rng = rng;
    this.#widths = pick(rng, [[8], [8], [8, 16], [4, 8, 16, 6]]);
    this.#reach = pick(rng, [40, 100, 200, 400]);
    this.#strides = pick(rng, [
      [0, 8, 16, 24],
      [0, 0, 4, -4],
      [0, 1, 2, 3, 8, -8, 6, 60],
    ]);
  }

  program(): Program {
    const rng = this.#rng;
    const lines = this.#lines(within(rng, 0, 6), []);
    for (let i = within(rng, 1, 2); i > 0; i--)
      lines.push(...this.#loop([]), ...this.#lines(within(rng, 0, 2), []));
    return parseProgram(lines.join("\n"), "p");
  }

  #loop(outer: readonly string[]): string[] {
    const rng = this.#rng;
    const isInner = outer.length > 0;
    const strides = Array.from({ length: 4 }, () => pick(rng, this.#strides));
    const registers = [...outer, ...[0, 1, 2, 3].map((i) => `${isInner ? "j" : "i"}${i}`)];
    const body = this.#lines(within(rng, 1, 4), registers);
    if (!isInner && rng() < 0.4) body.splice(within(rng, 0, body.length), 0, ...this.#loop(registers));
    return [`loop count=${pick(rng, [0, 1, 2, 3, 4, 5, 7, 9, 13])} by=${strides.join(",")}`, ...body, "end"];
  }

  #lines(count: number, registers: readonly string[]): string[] {
    return Array.from({ length: count }, () => this.#line(registers));
  }

  #line(registers: readonly string[]): string {
    const rng = this.#rng;
    const at = (most = this.#reach) => {
      const moved = registers.length > 0 && rng() < 0.4 ? `+${pick(rng, registers)}` : "";
      return `${pick(rng, [8, 8, 8, 1]) * within(rng, 0, Math.floor(most / 8))}${moved}`;
    };
    const width = () => pick(rng, this.#widths);
    const n = pick(rng, [1, 4, 8, 8, 30, 100]);
    return pick(rng, [
      () => `fill dst=${at()} n=${n} bits=${width()} value=0`,
      () => `fill dst=${at()} n=${n} bits=${width()} value=0`,
      () => `fetch dst=${at()} src=${at()} n=${n} bits=${width()}`,
      () => `store dst=${at()} src=${at()} n=${n} bits=${width()}`,
      () =>
        `rescale dst=${at()} a=${at()} n=${n} aBits=${width()} bits=${width()} aZero=0 zero=0 scale=${at(200)}`,
      () =>
        `move dst=${at()} src=${at()} rows=${pick(rng, [1, 2, 5])} columns=${pick(rng, [1, 3, 8])} dstRow=${pick(rng, [1, 8, 12])} dstColumn=${pick(rng, [1, 1, 2, 6])} srcRow=${pick(rng, [0, 1, 8, 9])} srcColumn=${pick(rng, [0, 1, 1, 2])} bits=${width()}`,
      () => `load.weight dst=${at(200)} src=${at()} bytes=${pick(rng, [16, 64, 200])}`,
      () => `load.table dst=${at(200)} src=${at()} bytes=${pick(rng, [1, 16, 200])}`,
      () =>
        `matmul w=${at(200)} x=${at()} acc=${at(40)} m=${pick(rng, [2, 8])} k=4 n=1 wBits=8 xBits=${width()} keep=${within(rng, 0, 1)}`,
      () => `requant dst=${at()} acc=${at(40)} m=8 n=1 scales=${at(200)} perChannel=0 bits=${width()} zero=0`,
    ])();
  }
}

test("what all other programs write, of each program, is what they write when asked: random programs", () => {
  const arch = settingsOf();
  const stretches = ({ memories }: Written) => Object.values(memories).map(({ all }) => all);
  for (let run = 0; run < 200; run++) {
    const rng = seedrandom(`others ${run}`);
    const programs = Array.from({ length: within(rng, 0, 5) }, () => new Generator(rng).program());
    const asked = programs.map(
      (program) =>
        new Written(
          programs.filter((one) => one !== program),
          arch,
        ),
    );
    expect(Written.byOthers(programs, arch).map(stretches)).toEqual(asked.map(stretches));
  }
});

test("loops are judged as if every turn were: random programs", () => {
  const arch = settingsOf();
  const kinds = { legal: 0, narrow: 0, unwritten: 0, illegal: 0 };
  for (let run = 0; run < 3000; run++) {
    const rng = seedrandom(`judged ${run}`);
    const generator = new Generator(rng);
    const [program, other] = [generator.program(), generator.program()];
    const isClosed = run % 2 === 1;
    const [got, want] = isClosed
      ? [
          validate(program, arch, EXTENTS, new Written([other], arch)),
          judged(program, arch, EXTENTS, bytesWritten([other], arch)),
        ]
      : [validate(program, arch, EXTENTS), judged(program, arch, EXTENTS)];
    const text = want.join("\n");
    if (want.length === 0) kinds.legal++;
    else if (/written with/.test(text)) kinds.narrow++;
    else if (/nothing wrote/.test(text)) kinds.unwritten++;
    else kinds.illegal++;
    if (want.length > 900) continue;
    if (got.join("\n") !== text) expect(got, `run ${run}`).toEqual(want);
  }
  for (const [kind, count] of Object.entries(kinds)) expect(count, kind).toBeGreaterThan(100);
});

test("whether a sum may overflow is found as if every turn were stepped", () => {
  const seen = { yes: 0, no: 0 };
  for (let run = 0; run < 3000; run++) {
    const rng = seedrandom(`overflow ${run}`);
    const program = new Generator(rng).program();
    const flat = { name: "flat", items: unroll(program).map(({ op, x }) => ({ op, x, by: {} })) };
    const arch = settingsOf(pick(rng, [17, 18, 19, 20]));
    const want = mayOverflow(flat, arch);
    seen[want ? "yes" : "no"]++;
    if (mayOverflow(program, arch) !== want) expect.fail(`run ${run}: want ${want}`);
  }
  expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(100);
});

test("a million turns are judged at once", () => {
  const loop = (body: string) => `loop count=1000000 by=8,1,64\n${body}\nend`;
  const judge = (text: string) =>
    validate(parseProgram(text, "p"), settingsOf(), { image: 300, data: 2 ** 27 });
  const steady =
    "fetch dst=0 src=0+i0 n=8 bits=8\nrescale dst=8 a=0 n=8 aBits=8 bits=16 aZero=0 zero=0 scale=0";
  expect(judge(loop(steady))).toEqual([]);
  expect(judge(loop(`${steady}\nstore dst=0+i2 src=8 n=8 bits=16`))).toEqual([]);
  expect(judge(`${loop(steady)}\nstore dst=0 src=0 n=8 bits=4`)).toEqual([
    "p: 2000000: store: reads 4-bit codes at activation 0 that were written with 8 bits",
  ]);
  expect(judge(loop("fill dst=500+i0 n=20 bits=8 value=0"))).toHaveLength(1000);
  const last = "fetch dst=0 src=0+i2 n=1 bits=8\nfetch dst=0 src=126217736+i0 n=1 bits=8";
  expect(judge(loop(last))).toEqual([
    "p: 1999999: fetch: data 134217728 … 134217728 is outside its 134217728 bytes",
  ]);
});

test("a turn of an inner loop finds what the turn before left there, whatever the outer loop moves", () => {
  const text = [
    "loop count=9 by=8",
    "fill dst=0 n=100 bits=8 value=0",
    "loop count=3 by=0",
    "store dst=0 src=0+i0 n=4 bits=8",
    "fill dst=40 n=8 bits=16 value=0",
    "end",
    "end",
  ];
  const program = parseProgram(text.join("\n"), "p");
  const want = judged(program, settingsOf(), EXTENTS);
  expect(want).toHaveLength(4);
  expect(validate(program, settingsOf(), EXTENTS)).toEqual(want);
});

describe("loops that never end in practice", () => {
  const roomy = makeArch({ "activation.bytes": 2 ** 24, "acc.entries": 2 ** 20, "acc.bits": 47 }).settings;
  const nested = (outer: string, inner: string, body: readonly string[], count = 1_000_000) =>
    parseProgram(
      [`loop count=${count} by=${outer}`, `loop count=${count} by=${inner}`, ...body, "end", "end"].join(
        "\n",
      ),
      "p",
    );
  const judge = (program: Program, arch = roomy) => validate(program, arch, { image: 300, data: 2 ** 20 });

  test("10^12 turns that do the same are legal at once", () => {
    const body = ["fill dst=0 n=1 bits=8 value=0", "store dst=0 src=0 n=1 bits=8"];
    expect(judge(nested("0", "0", body))).toEqual([]);
  });

  test.each([
    [
      "0",
      "0",
      "store dst=0 src=0 n=1 bits=4",
      "1: store: reads 4-bit codes at activation 0 that were written with 8 bits",
    ],
    [
      "0",
      "0",
      "fetch dst=0 src=1048576 n=1 bits=8",
      "1: fetch: data 1048576 … 1048576 is outside its 1048576 bytes",
    ],
    [
      "0",
      "1",
      "fetch dst=0 src=48577+j0 n=1 bits=8",
      "1999999: fetch: data 1048576 … 1048576 is outside its 1048576 bytes",
    ],
    [
      "1",
      "0",
      "fetch dst=0 src=48577+i0 n=1 bits=8",
      "1999998000001: fetch: data 1048576 … 1048576 is outside its 1048576 bytes",
    ],
    ["0", "-1", "fetch dst=0 src=1+j0 n=1 bits=8", "5: fetch: src: -1 is not an integer in 0 … 268435455"],
  ])("strides of %s and %s: what is wrong in some of 10^12 turns is told: %s", (outer, inner, line, rule) => {
    const faults = judge(nested(outer, inner, ["fill dst=0 n=1 bits=8 value=0", line]));
    expect(faults[0]).toBe(`p: ${rule}`);
  });

  test.each([-1, 1.5, 2 ** 20, 10 ** 9, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])(
    "%d turns are no turns",
    (count) => {
      const items = [{ count, strides: [0, 0, 0, 0], body: [] }];
      expect(judge({ name: "p", items })).toEqual([
        `p: loop: ${count} turns are not an integer in 0 … 1048575`,
      ]);
    },
  );

  test("memory that every turn leaves otherwise is followed so far and no further", () => {
    const program = nested("0", "16", [
      "fill dst=0+j0 n=1 bits=8 value=0",
      "fill dst=0+j0 n=1 bits=16 value=0",
    ]);
    expect(judge(program)).toEqual([
      "p: 1048578: fill: what its loops leave in memory cannot be told at once, and turn by turn it takes more than 1048576 steps",
    ]);
  });

  test("operands that meet in most turns are judged so far and no further", () => {
    const line = "rescale dst=0+i0 a=0+j0 n=8 aBits=8 bits=8 aZero=0 zero=0 scale=0";
    const told = /^p: \d+: rescale: its operands meet in too many ways to be judged: 262144 were$/;
    expect(judge(nested("8", "8", [line]))).toEqual([expect.stringMatching(told)]);
    expect(judge(nested("8", "8", [line], 100))).toEqual([]);
  });

  test("sums that move and grow for 10^11 turns are taken to overflow", () => {
    const lines = ["0", "1"].map(
      (at, i) => `matmul w=0 x=0 acc=${at}+j0 m=1 k=${i + 1} n=1 wBits=8 xBits=8 keep=1`,
    );
    const zeros = parseProgram("matmul w=0 x=0 acc=0 m=1000000 k=1 n=1 wBits=2 xBits=2 keep=0", "p");
    const grown = (count: number) => ({
      name: "p",
      items: [...zeros.items, ...nested("0", "2", lines, count).items],
    });
    expect(mayOverflow(grown(500_000), roomy)).toBe(true);
    expect(mayOverflow(grown(500), roomy)).toBe(false);
  });
});
