import { readBytes } from "../base/files.ts";
import { cut, type Ends, without } from "./cut.ts";
import type { Graph, Input } from "./graph.ts";
import { parseModel } from "./parse.ts";
import { fuse } from "./patterns/fuse.ts";
import { type Given, resolve } from "./resolve.ts";

const read = (path: string, given: Given): Graph => resolve(parseModel(readBytes(path), path), given);

/** Reads a model's file as a graph, its patterns replaced. @throws InputError naming the file and what is wrong with it */
export const loadModel = (path: string, given: Given = {}): Graph => fuse(read(path, given));

/** A part of a model, the rest, and the inputs of both together. */
interface Parts {
  readonly part: Graph;
  readonly rest: Graph;
  readonly inputs: readonly Input[];
}

/** The same of a part and the rest. Patterns are sought in each for itself: a group that is cut in two is none. */
export function loadPart(path: string, given: Given, ends: Ends): Parts {
  const whole = read(path, given);
  const part = cut(whole, ends);
  return { part: fuse(part), rest: fuse(without(whole, part)), inputs: whole.inputs };
}
