import { InputError } from "../base/errors.ts";
import type { Case, Suite } from "./suite.ts";
import type { Verdict } from "./verdict.ts";

/** A case that did not pass: the first element that differs, or why nothing could be compared. */
type Failure =
  | {
      readonly case: string;
      readonly tensor: string;
      readonly index: number;
      readonly got: number;
      readonly want: number;
      readonly rule?: string;
    }
  | { readonly case: string; readonly problem: string };

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

/** Runs a suite's cases one after the other. @throws InputError, RangeError for a file or a case that is refused */
export const runSuite = (suite: Suite): SuiteReport => reportOf(suite.name, suite.cases());

/** The same where one suite must not stop the others: what is refused is a failure of its own. */
export function attemptSuite(suite: Suite): SuiteReport {
  try {
    const guarded = suite.cases().map(({ name, run }) => ({ name, run: () => attempt(run) }));
    return reportOf(suite.name, guarded);
  } catch (error) {
    const verdict = refusal(error);
    return reportOf(suite.name, [{ name: "all", run: () => verdict }]);
  }
}

function attempt(run: Case["run"]): Verdict {
  try {
    return run();
  } catch (error) {
    return refusal(error);
  }
}

/** What is wrong with a file, as a verdict; a bug of ours stays one. */
function refusal(error: unknown): Verdict {
  if (error instanceof InputError || error instanceof RangeError)
    return { kind: "refused", problem: error.message };
  throw error;
}

function reportOf(name: string, cases: readonly Case[]): SuiteReport {
  const failures: Failure[] = [];
  const skips: { case: string; reason: string }[] = [];
  let elements = 0;
  for (const one of cases) {
    const verdict = one.run();
    if (verdict.kind === "passed") elements += verdict.elements;
    else if (verdict.kind === "skipped") skips.push({ case: one.name, reason: verdict.reason });
    else failures.push(failureOf(one, verdict));
  }
  return {
    name,
    cases: cases.length,
    passed: cases.length - failures.length - skips.length,
    failed: failures.length,
    skipped: skips.length,
    failures,
    skips,
    elements,
  };
}

function failureOf(one: Case, verdict: Extract<Verdict, { kind: "failed" | "refused" }>): Failure {
  const { kind: _, ...why } = verdict;
  return { case: one.name, ...why };
}
