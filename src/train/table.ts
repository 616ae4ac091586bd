import { concatenate, fold, slice, transpose } from "./ops/arrange.ts";
import { add, multiply } from "./ops/broadcast.ts";
import { dropout } from "./ops/dropout.ts";
import { affine, sigmoid, sum, tanh } from "./ops/elementwise.ts";
import { gather } from "./ops/gather.ts";
import { linear } from "./ops/linear.ts";
import { cell, expose } from "./ops/lstm.ts";
import { norm } from "./ops/norm.ts";
import { crossEntropy, distill, softmax } from "./ops/softmax.ts";

/** Every operation of the tape. */
export const OPS = {
  linear,
  add,
  multiply,
  affine,
  sigmoid,
  tanh,
  softmax,
  crossEntropy,
  distill,
  norm,
  cell,
  expose,
  gather,
  dropout,
  concatenate,
  slice,
  transpose,
  fold,
  sum,
} as const;
