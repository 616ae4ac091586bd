import { activation } from "./activation/index.ts";
import { argmax } from "./argmax/index.ts";
import { attention } from "./attention/index.ts";
import { conv } from "./conv/index.ts";
import type { Kernel } from "./define.ts";
import { dotAttention } from "./dot-attention/index.ts";
import { embedding } from "./embedding/index.ts";
import { gru } from "./gru/index.ts";
import { linear, linearTanh } from "./linear/index.ts";
import { lstm } from "./lstm/index.ts";
import { mogrifier } from "./mogrifier/index.ts";
import {
  layerNormByDivision,
  layerNormByNewton,
  layerNormByRoot,
  layerNormInSteps,
  madNorm,
} from "./norm/index.ts";
import { pool } from "./pool/index.ts";
import { rnn } from "./rnn/index.ts";
import { softmax } from "./softmax/index.ts";

/** Every kernel. Whatever holds for all of them is tested over this table. */
export const kernels: readonly Kernel[] = [
  embedding,
  linear,
  linearTanh,
  conv,
  pool,
  layerNormByRoot,
  layerNormByDivision,
  layerNormByNewton,
  layerNormInSteps,
  madNorm,
  activation,
  softmax,
  attention,
  dotAttention,
  lstm,
  gru,
  rnn,
  mogrifier,
  argmax,
];
