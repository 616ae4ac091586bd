import type { Kind } from "../define.ts";
import { gain, product, sum } from "./arithmetic.ts";
import { attention, matrices } from "./attention.ts";
import { bounded } from "./bounded.ts";
import { conv } from "./conv.ts";
import { curve } from "./curve.ts";
import { gru } from "./gru.ts";
import { linear } from "./linear.ts";
import { lstm } from "./lstm.ts";
import { pool } from "./pool.ts";
import { rnn } from "./rnn.ts";
import { norm, softmax } from "./rows.ts";

/** Everything that operators become on the machine. */
export const KINDS: readonly Kind[] = [
  ...[
    linear,
    conv,
    gain,
    sum,
    product,
    bounded,
    curve,
    norm,
    softmax,
    lstm,
    gru,
    rnn,
    attention,
    matrices,
    pool,
  ],
];

export const kindNamed = (name: string): Kind => KINDS.find((one) => one.name === name)!;
