export { maximum, minimum } from "./choices";
export { add, multiply } from "./pairs";
export { laneMatmul } from "./lanes";
export { gather, pwl } from "./lookup";
export { matmul } from "./matmul";
export { divide, normalize, rowScale } from "./quotient";
export { argmax, foldAccumulators, reduce } from "./reduce";
export { affine, requant, rescale } from "./scale";
