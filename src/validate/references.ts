import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { InputError } from "../base/errors.ts";
import { suggestion } from "../base/settings.ts";
import { cmsisNn } from "./references/cmsis-nn.ts";
import { gemmlowp } from "./references/gemmlowp.ts";
import { onnxNode } from "./references/onnx-node.ts";
import { onnxruntime } from "./references/onnxruntime.ts";
import { shiftline } from "./references/shiftline.ts";
import { systemc } from "./references/systemc.ts";
import { tflite } from "./references/tflite.ts";
import type { Reference, Suite, Support } from "./suite.ts";
import { skipped } from "./verdict.ts";

/** The outside references, in the order in which they are run. Adding one is a file in references/ and a name here. */
const REFERENCES: readonly Reference[] = [
  gemmlowp,
  systemc,
  cmsisNn,
  tflite,
  onnxruntime,
  onnxNode,
  shiftline,
];

/** All rows of the support matrix. */
export const support = (): readonly Support[] => REFERENCES.flatMap((reference) => reference.support);

/**
 * The suites of a folder that holds any of the references' folders, or is one of them.
 * @throws InputError where it holds none
 */
export function suitesIn(folder: string): readonly Suite[] {
  const found = REFERENCES.flatMap((reference) => {
    const inside = join(folder, reference.folder);
    const path = existsSync(inside) ? inside : basename(folder) === reference.folder ? folder : undefined;
    return path !== undefined && existsSync(path) ? [{ reference, path }] : [];
  });
  if (found.length === 0) {
    const names = REFERENCES.map((reference) => reference.folder).join(", ");
    throw new InputError(folder, `holds none of the folders ${names}`);
  }
  return found.flatMap(({ reference, path }) => reference.suites(path));
}

/** References that the suites have none of, each as a suite that says where its data would come from. */
export const absent = (suites: readonly Suite[], reason: (folder: string) => string): readonly Suite[] =>
  REFERENCES.filter(
    ({ folder, isOptional }) => !isOptional && !suites.some(({ name }) => name.startsWith(`${folder}/`)),
  ).map(({ folder }) => ({
    name: folder,
    cases: () => [{ name: "all", run: () => skipped(reason(folder)) }],
  }));

/**
 * The suites that are meant: whole references, or single operators, by the beginning of their names up to a slash.
 * @throws InputError for a name that means none
 */
export function chosen(suites: readonly Suite[], names: readonly string[]): readonly Suite[] {
  if (names.length === 0) return suites;
  const meant = (name: string) => (suite: Suite) => suite.name === name || suite.name.startsWith(`${name}/`);
  for (const name of names) {
    if (suites.some(meant(name))) continue;
    const known = suites.flatMap((suite) => [suite.name, suite.name.split("/")[0]!]);
    throw new InputError(name, `no suite of this name${suggestion(name, known)}`);
  }
  return suites.filter((suite) => names.some((name) => meant(name)(suite)));
}
