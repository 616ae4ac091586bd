import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel"];

const found = (program: string): boolean => spawnSync("which", [program]).status === 0;

/** Why no Slurm can be started here; undefined where it can. */
export function whyNoSlurm(): string | undefined {
  const missing = PROGRAMS.filter((program) => !found(program));
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  return process.getuid?.() === 0 ? undefined : "its daemons are to be started by root";
}

/** A Slurm of one node on the loopback interface, with all of its files in a folder of its own. */
export class SlurmDaemons {
  readonly #folder = mkdtempSync(join(tmpdir(), "slurm-"));
  readonly #daemons: ChildProcess[] = [];

  /** Starts it, and makes it the one that commands of this process speak to. */
  static async start(): Promise<SlurmDaemons> {
    const slurm = new SlurmDaemons();
    try {
      await slurm.#start();
    } catch (error) {
      await slurm.stop();
      throw error;
    }
    return slurm;
  }

  async #start(): Promise<void> {
    const at = (name: string) => join(this.#folder, name);
    const node = hostname().split(".")[0]!;
    mkdirSync(at("state"));
    mkdirSync(at("spool"));
    writeFileSync(at("munge.key"), randomBytes(128), { mode: 0o600 });
    writeFileSync(at("slurm.conf"), confOf(this.#folder, node, await freePort(), await freePort()));
    process.env["SLURM_CONF"] = at("slurm.conf");
    const files = [
      "key-file=munge.key",
      "socket=munge.socket",
      "pid-file=munged.pid",
      "seed-file=munge.seed",
    ];
    const munge = files.map((file) => `--${file.replace("=", `=${this.#folder}/`)}`);
    this.#spawn("munged", ["--foreground", "--force", `--log-file=${at("munged.log")}`, ...munge]);
    await until(() => existsSync(at("munge.socket")));
    this.#spawn("slurmctld", ["-D"]);
    this.#spawn("slurmd", ["-D", "-N", node]);
    await until(() => this.answer("sinfo", "--noheader", "--format=%T").trim() === "idle");
  }

  /** What a command of Slurm's prints; empty where it fails. */
  answer(program: string, ...words: readonly string[]): string {
    return spawnSync(program, words, { encoding: "utf8", timeout: 5_000 }).stdout;
  }

  /** Ends all jobs, then the daemons, and removes every file. */
  async stop(): Promise<void> {
    this.answer("scancel", "--user=root");
    await until(() => this.answer("squeue", "--noheader").trim() === "", 5).catch(() => undefined);
    for (const daemon of this.#daemons.toReversed()) {
      daemon.kill("SIGTERM");
      await until(() => hasEnded(daemon), 5).catch(() => daemon.kill("SIGKILL"));
    }
    delete process.env["SLURM_CONF"];
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #spawn(program: string, words: readonly string[]): void {
    const log = openSync(join(this.#folder, `${program}.out`), "w");
    // A daemon does not outlive a test that is killed.
    const bound = ["--pdeathsig", "KILL", "--", program, ...words];
    this.#daemons.push(spawn("setpriv", bound, { stdio: ["ignore", log, log] }));
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

export async function until(isSo: () => boolean, seconds = 60): Promise<void> {
  for (let i = 0; i < 10 * seconds; i++) {
    if (isSo()) return;
    await sleep(100);
  }
  throw new Error(`not within ${seconds} seconds: ${isSo}`);
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address!.port : 0));
    });
  });

const confOf = (folder: string, node: string, control: number, daemon: number): string =>
  [
    "ClusterName=shiftline",
    `SlurmctldHost=${node}(127.0.0.1)`,
    `SlurmctldPort=${control}`,
    `SlurmdPort=${daemon}`,
    ...["SlurmUser=root", "SlurmdUser=root", "AuthType=auth/munge"],
    `AuthInfo=socket=${folder}/munge.socket`,
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd.pid`,
    ...["ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "MpiDefault=none"],
    ...["SelectType=select/cons_tres", "SelectTypeParameters=CR_CPU"],
    ...["AccountingStorageType=accounting_storage/none", "JobAcctGatherType=jobacct_gather/none"],
    // What is configured goes over what the machine has.
    ...["ReturnToService=2", "SlurmdParameters=config_overrides"],
    `NodeName=${node} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN`,
    "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    "",
  ].join("\n");
