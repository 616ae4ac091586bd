export { cell, cellBack, expose, exposeBack } from "./cell";
export {
  add,
  affine,
  gather,
  move,
  multiply,
  passWithin,
  reduceInto,
  scatter,
  sigmoid,
  sigmoidBack,
  sum,
  tanh,
  tanhBack,
} from "./elementwise";
export { norm, normBack } from "./norm";
export { adam, squares } from "./optimizer";
export { product } from "./product";
export { dropoutMask } from "./random";
export {
  crossEntropy,
  crossEntropyBack,
  distill,
  distillBack,
  softmax,
  softmaxBack,
} from "./softmax";
