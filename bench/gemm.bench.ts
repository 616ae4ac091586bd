import { readFileSync } from "node:fs";
import { bench, describe } from "vitest";
import { type ArchSpec, loadArch, overrideArch } from "../src/arch/spec.ts";
import { measureGemm } from "../src/cli/commands/gemm.ts";
import { parseCsv } from "../src/report/csv.ts";

const PEER = "test/golden/peers/scalesim_gemm.csv";
const { header, rows } = parseCsv(readFileSync(PEER, "utf8"), PEER);
const column = (name: string) => header.indexOf(name);
const [layer, M, K, N] = [column("workload"), column("M"), column("K"), column("N")];
const peerSeconds = rows.reduce((sum, row) => sum + Number(row[column("cpu_s")]), 0);

/** Each row's machine; they are nine. */
const machines = new Map<string, ArchSpec>();
function machineOf(row: readonly string[]): ArchSpec {
  const [sides, columns, dataflow] = ["rows", "cols", "dataflow"].map((name) => row[column(name)]!);
  const key = `${sides} ${columns} ${dataflow}`;
  const arch =
    machines.get(key) ??
    overrideArch(
      loadArch(`arch/scalesim-${dataflow}.yaml`),
      { "mac.rows": Number(sides), "mac.columns": Number(columns) },
      PEER,
    );
  machines.set(key, arch);
  return arch;
}
const work = rows.map((row) => ({
  layer: { layer: row[layer]!, M: Number(row[M]), K: Number(row[K]), N: Number(row[N]) },
  arch: machineOf(row),
}));

describe("SCALE-Sim's rows, in one thread", () => {
  let best = Number.POSITIVE_INFINITY;
  bench(
    `${rows.length} layers: mapped, and timed with and without overlap`,
    () => {
      const before = performance.now();
      for (const { layer, arch } of work) measureGemm(layer, { weightBits: 8, activationBits: 8 }, arch);
      best = Math.min(best, (performance.now() - before) / 1000);
    },
    {
      time: 500,
      teardown: (_, mode) => {
        if (mode === "warmup") return;
        const ratio = (peerSeconds / best).toFixed(0);
        console.log(
          `${rows.length} rows: ${best.toFixed(3)} s; SCALE-Sim ${peerSeconds.toFixed(0)} CPU s, ${ratio} times that`,
        );
      },
    },
  );
});
