import { widenAttention } from "../../kernels/attention/widen.ts";
import { widenEmbedding } from "../../kernels/embedding/widen.ts";
import { Floats } from "../../kernels/floats.ts";
import { widenLinear } from "../../kernels/linear/widen.ts";
import { widenLstm } from "../../kernels/lstm/widen.ts";
import type { QG2p } from "./quantize.ts";

/** The model in floats of so many bits, for timing. */
export function widenG2p(q: QG2p, bits: number): QG2p {
  const floats = new Floats(bits);
  return {
    letters: widenEmbedding(q.letters, floats),
    phones: widenEmbedding(q.phones, floats),
    forward: widenLstm(q.forward, floats),
    backward: widenLstm(q.backward, floats),
    attention: widenAttention(q.attention, floats),
    bridge: widenLinear(q.bridge, floats),
    bridgeTanh: floats.table(q.bridgeTanh),
    decoder: widenLstm(q.decoder, floats),
    output: widenLinear(q.output, floats),
    memory: floats.grid(q.memory),
    context: floats.grid(q.context),
  };
}
