import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { type ArchSpec, loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { GEMM_COLUMNS, type GemmRow, measureGemm } from "../../src/cli/commands/gemm.ts";
import { validate } from "../../src/isa/validate.ts";
import { lowerGemm } from "../../src/kernels/gemm.ts";
import { Machine } from "../../src/machine/machine.ts";
import { parseCsv } from "../../src/report/csv.ts";
import { draw, pick, type Rng } from "../support/machines.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const PEER = "test/golden/peers/scalesim_gemm.csv";
const { header, rows: records } = parseCsv(readFileSync(PEER, "utf8"), PEER);

/** A run of SCALE-Sim. */
interface Peer {
  readonly name: string;
  readonly M: number;
  readonly K: number;
  readonly N: number;
  readonly sides: Readonly<Record<"mac.rows" | "mac.columns", number>>;
  readonly dataflow: "os" | "ws" | "is";
  readonly of: (column: string) => number;
}

const peers = records.map((record): Peer => {
  const text = (column: string) => record[header.indexOf(column)]!;
  const of = (column: string) => Number(text(column));
  return {
    name: text("workload"),
    M: of("M"),
    K: of("K"),
    N: of("N"),
    sides: { "mac.rows": of("rows"), "mac.columns": of("cols") },
    dataflow: text("dataflow") as Peer["dataflow"],
    of,
  };
});

const WIDTHS = { weightBits: 8, activationBits: 8 };
const machineOf = ({ sides, dataflow }: Peer, changes: Readonly<Record<string, unknown>> = {}): ArchSpec =>
  overrideArch(loadArch(`arch/scalesim-${dataflow}.yaml`), { ...sides, ...changes }, "test");
const measured = ({ name, M, K, N }: Peer, arch: ArchSpec): GemmRow =>
  measureGemm({ layer: name, M, K, N }, WIDTHS, arch);
const computeCycles = ({ timing }: GemmRow) => timing.units.mac.busyCycles;

describe("SCALE-Sim's 306 runs", () => {
  test("there are 306, of three dataflows", () => {
    expect(peers).toHaveLength(306);
    expect(new Set(peers.map(({ dataflow }) => dataflow))).toEqual(new Set(["os", "ws", "is"]));
  });

  test("compute cycles are its printed index and one, simulated and by formula; accesses are its, but for its bugs", () => {
    for (const peer of peers) {
      const row = measured(peer, machineOf(peer));
      const { accesses } = row.lowered;
      const folds = Math.ceil(peer.M / row.arch.settings["mac.rows"]) * Math.ceil(peer.N / peer.of("cols"));
      const padding = peer.dataflow === "os" ? folds * (peer.of("rows") + peer.of("cols")) : 0;
      const deep = peer.dataflow === "os" ? 1 : Math.ceil(peer.K / peer.of("rows"));
      const got = [
        computeCycles(row),
        Number(GEMM_COLUMNS.find(({ name }) => name === "closed_form_cycles")!.of(row)),
        accesses.vectorReads,
        accesses.weightReads,
        accesses.sumWrites + padding,
        accesses.sumReads,
      ];
      const want = [
        peer.of("total_cycles") + 1,
        peer.of("total_cycles") + 1,
        peer.of("sram_ifmap_reads"),
        peer.of("sram_filter_reads"),
        peer.of("sram_ofmap_writes"),
        peer.M * peer.N * (deep - 1),
      ];
      if (got.join() !== want.join())
        expect.fail(`${peer.name} ${peer.dataflow} ${peer.of("rows")}: ${got}, SCALE-Sim ${want}`);
    }
  });

  test("with overlap the same machine is never slower than its count", () => {
    for (const peer of peers) {
      const row = measured(peer, machineOf(peer, { "mac.preload": "overlapped" }));
      if (computeCycles(row) > peer.of("total_cycles") + 1)
        expect.fail(
          `${peer.name} ${peer.dataflow}: ${computeCycles(row)}, SCALE-Sim ${peer.of("total_cycles") + 1}`,
        );
    }
  });

  test("the array reads from its SRAMs what the clock's traffic says, and DRAM moves each byte once", () => {
    for (const peer of peers) {
      const { lowered, timing } = measured(peer, machineOf(peer));
      const { traffic } = timing;
      expect(traffic.weight.readBytes).toBe(lowered.accesses.weightReads);
      expect(traffic.activation.readBytes).toBe(lowered.accesses.vectorReads + peer.M * peer.N);
      expect(traffic.dram.writeBytes).toBe(peer.M * peer.N);
      expect(traffic.dram.readBytes + traffic.dram.writeBytes).toBe(timing.compulsoryDramBytes);
    }
  });
});

test("an output-stationary array that is not square has the inputs' rows along its rows, as SCALE-Sim's", () => {
  const arch = overrideArch(loadArch("arch/scalesim-os.yaml"), { "mac.rows": 8, "mac.columns": 4 }, "test");
  const row = measureGemm({ layer: "a", M: 20, K: 30, N: 17 }, WIDTHS, arch);
  expect(computeCycles(row)).toBe(3 * 5 * (30 + 8 + 4 - 2));
  expect(row.lowered.accesses).toEqual({
    vectorReads: 20 * 30 * 5,
    weightReads: 30 * 17 * 3,
    sumWrites: 20 * 17,
    sumReads: 0,
  });
});

/** A machine with memories that hold a few tiles of the layers below, or a part of one. */
function tightArch(rng: Rng): ArchSpec {
  return makeArch({
    "mac.rows": draw(rng, 1, 9),
    "mac.columns": draw(rng, 1, 9),
    "mac.dataflow": pick(rng, ["weight-stationary", "output-stationary", "input-stationary", "dot"]),
    "mac.preload": pick(rng, ["overlapped", "serial"]),
    "mac.outputs": pick(rng, ["rows", "columns"]),
    "mac.multiplier": pick(rng, ["fixed", "fused", "serial"]),
    "acc.entries": pick(rng, [16, 40, 256, 4096]),
    "requant.lanes": draw(rng, 1, 16),
    "weight.bytes": pick(rng, [256, 700, 4096]),
    "weight.bytesPerCycle": pick(rng, [1, 16, 256]),
    "activation.bytes": pick(rng, [256, 768, 4096]),
    "activation.banks": pick(rng, [1, 2, 4]),
    "activation.bytesPerCycle": pick(rng, [1, 8, 64]),
    "table.bytes": pick(rng, [64, 128, 1024]),
    "dram.bytesPerCycle": pick(rng, [1, 4, 64]),
    "dram.latency": draw(rng, 0, 80),
    "dram.burst": pick(rng, [1, 8, 32]),
    "dma.channels": draw(rng, 1, 4),
    "queue.depth": draw(rng, 1, 6),
  });
}

/** Mostly small sides, some of them long. */
const side = (rng: Rng) => draw(rng, 1, pick(rng, [3, 12, 40, 90]));

test("random layers on random machines: legal, complete, and never slower with overlap", () => {
  const rng = seedrandom("gemm: layers and machines");
  for (let i = 0; i < 400; i++) {
    const arch = tightArch(rng);
    const layer = { layer: `layer ${i}`, M: side(rng), K: side(rng), N: side(rng) };
    const widths = { weightBits: draw(rng, 2, 16), activationBits: draw(rng, 2, 16) };
    const row = measureGemm(layer, widths, arch);
    const { program, imageBytes, dataBytes } = row.lowered;
    const where = `${JSON.stringify({ layer, widths, arch: arch.settings })}`;
    const faults = validate(program, arch.settings, { image: imageBytes, data: dataBytes });
    if (faults.length > 0) expect.fail(`${faults[0]} ${where}`);
    if (row.timing.macs !== layer.M * layer.K * layer.N) expect.fail(`${row.timing.macs} MACs ${where}`);
    if (
      row.overlapped.cycles > row.serial.cycles ||
      row.overlapped.units.mac.busyCycles > row.serial.units.mac.busyCycles
    )
      expect.fail(`overlap costs cycles: ${row.overlapped.cycles}, serial ${row.serial.cycles} ${where}`);
  }
});

test("the program computes the product, whatever the tiles", () => {
  const rng = seedrandom("gemm: bits");
  for (let i = 0; i < 60; i++) {
    const arch = tightArch(rng);
    const [m, k, n] = [side(rng), side(rng), side(rng)];
    const product = { m, k, n, weightBits: pick(rng, [4, 8]), activationBits: 8 };
    const lowered = lowerGemm("bits", product, arch.settings);
    const { tile, tiles } = lowered.plan;
    const image = {
      segments: [] as { address: number; bits: number; codes: number[] }[],
      bytes: lowered.imageBytes,
    };
    const weight = (row: number, term: number) => ((row * 5 + term * 3) % 7) - 3;
    const vector = (row: number, term: number) => ((row * 3 + term * 2) % 5) - 2;
    const cut = (of: "m" | "k" | "n", index: number) => {
      const from = index * tile[of];
      return Array.from({ length: Math.min(tile[of], product[of] - from) }, (_, j) => from + j);
    };
    const loads = lowered.program.items.map((item) => ("op" in item ? item : expect.fail("a loop")));
    const pitch = (name: string, all: number) => {
      const addresses = loads.filter(({ op }) => op.name === name).map(({ x }) => x["src"]!);
      return [...new Set(addresses)].sort((a, b) => a - b).slice(0, all);
    };
    for (const [t, address] of pitch("load.weight", tiles.m * tiles.k).entries()) {
      const codes = cut("m", Math.floor(t / tiles.k)).flatMap((row) =>
        cut("k", t % tiles.k).map((j) => weight(row, j)),
      );
      image.segments.push({ address, bits: product.weightBits, codes });
    }
    for (const [t, address] of pitch("load.table", tiles.m).entries()) {
      // Biases that tell outputs apart, and a scale of 2^-1: a multiplier is stored without its top bit.
      const channels = cut("m", t);
      image.segments.push({ address, bits: 32, codes: channels.map((c) => 2 * (c % 9)) });
      const bits = arch.settings["requant.multiplierBits"];
      image.segments.push({ address: address + 4 * channels.length, bits, codes: [0] });
      image.segments.push({ address: address + 4 * channels.length + bits / 8, bits: 8, codes: [bits] });
    }
    const machine = Machine.of(arch, {
      image,
      programs: [lowered.program],
      lanes: 1,
      dataBytes: lowered.dataBytes,
    });
    for (const [t, address] of pitch("fetch", tiles.n * tiles.k).entries())
      machine.writeData(
        8,
        address,
        cut("n", Math.floor(t / tiles.k)).flatMap((row) => cut("k", t % tiles.k).map((j) => vector(row, j))),
      );
    machine.run(lowered.program);
    const stores = [...new Set(loads.filter(({ op }) => op.name === "store").map(({ x }) => x["dst"]!))].sort(
      (a, b) => a - b,
    );
    for (const [t, address] of stores.entries()) {
      const want = cut("n", Math.floor(t / tiles.m)).flatMap((row) =>
        cut("m", t % tiles.m).map((channel) => {
          let sum = 2 * (channel % 9);
          for (let j = 0; j < k; j++) sum += weight(channel, j) * vector(row, j);
          const half = Math.sign(sum) * Math.floor((Math.abs(sum) + 1) / 2);
          return Math.max(-128, Math.min(127, half)) + 0;
        }),
      );
      const got = machine.readData(8, address, want.length);
      if (got.join() !== want.join())
        expect.fail(
          `${m} x ${k} x ${n}, tile ${t} of ${JSON.stringify(lowered.plan)}: ${got}, exactly ${want}`,
        );
    }
  }
});

const TOPOLOGY = "Layer, M, N, K,\nembed, 32, 64, 128,\nproj, 100, 33, 17,\n";

function topology(text: string): { here: string; file: string } {
  const here = folder();
  const file = join(here, "layers.csv");
  writeFileSync(file, text);
  return { here, file };
}

test("a topology is reported layer by layer, with what overlap saves and what is assumed", async () => {
  const { status, out, err } = await shiftline("gemm", topology(TOPOLOGY).file);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatchInlineSnapshot(`
    "                                                   overlap    dram   dram
                                 compute  utilization    saves    read  write    dram
    layer    M    K   N  cycles   cycles          pct   cycles   bytes  bytes  factor
    -----  ---  ---  --  ------  -------  -----------  -------  ------  -----  ------
    embed   32  128  64   1,733    1,208      84.7682    1,275  12,608  2,048  1.0040
    proj   100   17  33   1,005      738      29.6939      138   2,560  3,328  1.0326

    machine        edge16x16
    total          2,738 cycles, 1,946 of them the array's
    overlap saves  1,413 cycles, 34.0 % of those with serial preload
    array          16 x 16, weight-stationary, fixed multipliers
    preload        overlapped between the folds of an instruction; every instruction fills and drains the array
    widths         weights of 8 bits, inputs and outputs of 8, sums of 32
    layers         one after another and by themselves: operands start in DRAM, outputs end there, requantized
    mapping        tiles by a fixed rule, the same for both preloads; tiles of an operand lie one after another in
                   DRAM
    DRAM           16 bytes a cycle, 60 cycles of latency, bursts of 32 bytes
    "
  `);
});

test("--json has the names of the issue, --csv the same columns", async () => {
  const { file } = topology(TOPOLOGY);
  const { layers, totals, assumptions } = JSON.parse((await shiftline("gemm", file, "--json")).out);
  expect(layers[0]).toMatchObject({ layer: "embed", M: 32, K: 128, N: 64, macs: 32 * 128 * 64 });
  const [first, second] = layers;
  expect(first.utilization_pct).toBeCloseTo((100 * first.macs) / (256 * first.compute_cycles), 3);
  expect(totals.cycles).toBe(first.cycles + second.cycles);
  expect(Object.keys(assumptions)).toContain("preload");
  const csv = (await shiftline("gemm", file, "--csv")).out;
  expect(csv.split("\n")[0]).toBe(Object.keys(first).join());
  expect(csv.split("\n")).toHaveLength(4);
});

test("columns M, K, N in any order will do, with others beside them, quoted, with CRLF and without a name", async () => {
  const { file } = topology('\uFEFFn,"k",cost,m\r\n64,128,9.5,32\r\n\r\n"1",2,"a, b",3\r\n');
  const { layers } = JSON.parse((await shiftline("gemm", file, "--json")).out);
  expect(layers).toMatchObject([
    { layer: "layer 1", M: 32, K: 128, N: 64 },
    { layer: "layer 2", M: 3, K: 2, N: 1 },
  ]);
});

test("narrow operands: fused multipliers and packed codes make a layer cheaper", async () => {
  const { file } = topology(TOPOLOGY);
  const fused = ["--set", "mac.multiplier=fused"];
  const wide = JSON.parse((await shiftline("gemm", file, "--json", ...fused)).out).totals;
  const narrow = JSON.parse(
    (await shiftline("gemm", file, "--json", ...fused, "--weight-bits", "4")).out,
  ).totals;
  expect(narrow.compute_cycles).toBeLessThan(wide.compute_cycles);
  expect(narrow.dram_read_bytes).toBeLessThan(wide.dram_read_bytes);
});

test("a layer beyond matmul's 20-bit counts is split", async () => {
  const { file } = topology("layer,M,K,N\nlong,3000000,1,1\n");
  const [layer] = JSON.parse((await shiftline("gemm", file, "--arch", "scalesim-is", "--json")).out).layers;
  expect(layer.macs).toBe(3_000_000);
  expect(layer.compute_cycles).toBe(layer.closed_form_cycles);
});

test("a topology that cannot be read is one line with its line, column, value and rule", async () => {
  const texts = [
    "",
    "a,b\n",
    "Layer, M, N, K,\n",
    "layer,M,N\nx,1,2\n",
    "layer,M,K,N,M\nx,1,2,3,4\n",
    "layer,M,K,N\nx,1,0,3\ny,1,-2,3\n",
    "layer,M,K,N\nx,1,2.5,3\n",
    "layer,M,K,N\nx,1,1e3,3\n",
    "layer,M,K,N\nx,1,2\n",
    "layer,M,K,N\nx,1,2,3,4\n",
    'layer,M,K,N\n"x,1,2,3\n',
    "layer,M,K,N\nx,1,2,300000000\n",
    "layer,M,K,N\nhuge,100000,100000,100000\n",
    "Layer, M, N, K, Sparsity Support,\nx,1,2,3,2:4,\n",
  ];
  const answers: string[] = [];
  for (const text of texts) {
    const { here, file } = topology(text);
    const { status, out, err } = await shiftline("gemm", file);
    expect({ text, status, out }).toEqual({ text, status: 1, out: "" });
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    answers.push(without(here, err).trimEnd());
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "shiftline: FOLDER/layers.csv: an empty file, without a header
    shiftline: FOLDER/layers.csv:1: no column M in the header "a, b"; it names layer, M, N, K
    shiftline: FOLDER/layers.csv: a header and no layers
    shiftline: FOLDER/layers.csv:1: no column K in the header "layer, M, N"; it names layer, M, N, K
    shiftline: FOLDER/layers.csv:1: column M is there 2 times
    shiftline: FOLDER/layers.csv:2: K: "0" is not a whole number in 1 … 268435456; and 1 more of its kind
    shiftline: FOLDER/layers.csv:2: K: "2.5" is not a whole number in 1 … 268435456
    shiftline: FOLDER/layers.csv:2: K: "1e3" is not a whole number in 1 … 268435456
    shiftline: FOLDER/layers.csv:2: N: "" is not a whole number in 1 … 268435456
    shiftline: FOLDER/layers.csv:2: 5 values under a header of 4 columns
    shiftline: FOLDER/layers.csv:2: record 1 is not CSV
    shiftline: FOLDER/layers.csv:2: N: "300000000" is not a whole number in 1 … 268435456
    shiftline: huge: its weights, biases and scales take 10032412500 bytes of DRAM, an address reaches 268435456
    shiftline: FOLDER/layers.csv:2: Sparsity Support: "2:4" is not 1:1, and sparse layers have no cost here"
  `);
});

test("wrong options are refused", async () => {
  const { file } = topology(TOPOLOGY);
  expect((await shiftline("gemm", file, "--csv", "--json")).status).toBe(2);
  expect((await shiftline("gemm", file, "--weight-bits", "one")).status).toBe(2);
  expect((await shiftline("gemm", file, "--weight-bits", "17")).err).toBe(
    "shiftline: --weight-bits: 17 is not a width in 2 … 16 bits\n",
  );
  expect((await shiftline("gemm", file, "--arch", "scalesim")).status).toBe(1);
});
