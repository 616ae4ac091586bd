import { readBytes } from "../base/files.ts";
import type { Graph } from "./graph.ts";
import { parseModel } from "./parse.ts";
import { fuse } from "./patterns/fuse.ts";
import { type Given, resolve } from "./resolve.ts";

/** Reads a model's file as a graph, its patterns replaced. @throws InputError naming the file and what is wrong with it */
export const loadModel = (path: string, given: Given = {}): Graph =>
  fuse(resolve(parseModel(readBytes(path), path), given));
