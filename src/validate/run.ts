import type { Case, Suite } from "./suite.ts";
import type { Verdict } from "./verdict.ts";

/** A case that did not pass. */
interface Failure {
  readonly case: string;
  readonly tensor: string;
  readonly index: number;
  readonly got: number;
  readonly want: number;
  readonly rule?: string;
}

export interface SuiteReport {
  readonly name: string;
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  readonly skips: readonly { readonly case: string; readonly reason: string }[];
  /** Elements that were compared in the cases that passed. */
  readonly elements: number;
}

/** Runs a suite's cases one after the other. */
export function runSuite(suite: Suite): SuiteReport {
  const failures: Failure[] = [];
  const skips: { case: string; reason: string }[] = [];
  let elements = 0;
  const cases = suite.cases();
  for (const one of cases) {
    const verdict = one.run();
    if (verdict.kind === "passed") elements += verdict.elements;
    else if (verdict.kind === "skipped") skips.push({ case: one.name, reason: verdict.reason });
    else failures.push(failureOf(one, verdict));
  }
  return {
    name: suite.name,
    cases: cases.length,
    passed: cases.length - failures.length - skips.length,
    failed: failures.length,
    skipped: skips.length,
    failures,
    skips,
    elements,
  };
}

function failureOf(one: Case, verdict: Extract<Verdict, { kind: "failed" }>): Failure {
  const { kind: _, ...where } = verdict;
  return { case: one.name, ...where };
}
