import type { Reporter, TestModule } from "vitest/node";

/** Closes a run with one plain line that people and scripts can read: "29 passed, 0 failed, 1 skipped". */
export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const n = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const m of modules) {
      if (m.state() === "failed" && m.children.size === 0) n.failed++; // a file that could not even be loaded
      for (const t of m.children.allTests()) n[t.result().state]++;
    }
    console.log(`${n.passed} passed, ${n.failed} failed, ${n.skipped} skipped`);
  }
}
