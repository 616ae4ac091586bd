import type { GateParameters, Multiplier, TfliteLstmParameters } from "../../kernels/lstm/reference.ts";
import { tfliteLstmOf } from "../../kernels/lstm/reference.ts";
import { DOUBLE } from "../machines.ts";
import { runLstm } from "../operators/sequence.ts";
import type { Source } from "../source.ts";
import { compareCodes, type Verdict } from "../verdict.ts";

/** TensorFlow Lite's full LSTM of 8-bit weights and activations: layer norm, coupled gates, projection, cell clip. */
export function fullLstm(c: Source): Verdict {
  const p = c.at("p");
  const parameters = parametersOf(c, p);
  const order = { steps: p.integer("seq"), batch: p.integer("batch"), timeMajor: p.flag("time_major") };
  const x = c.codes("x", order.steps * order.batch * parameters.input);
  return compareCodes("y", runLstm(DOUBLE, tfliteLstmOf(parameters), x, order), c.codes("y"));
}

const multiplierOf = (source: Source, key: string): Multiplier => ({
  multiplier: source.at(key).integer("mult"),
  shift: source.at(key).integer("shift"),
});

function parametersOf(c: Source, p: Source): TfliteLstmParameters {
  const [input, hidden, outputs] = ["n_input", "n_cell", "n_output"].map((key) => p.integer(key)) as [
    number,
    number,
    number,
  ];
  const gate = (key: string): GateParameters => {
    const own = c.at("gates").at(key);
    return {
      weightX: own.codes("W", hidden * input),
      weightH: own.codes("R", hidden * outputs),
      bias: own.codes("b", hidden),
      scaleX: multiplierOf(own, "qx"),
      scaleH: multiplierOf(own, "qr"),
      ...(p.flag("layer_norm") && {
        norm: {
          gains: own.codes("L", hidden),
          scale: multiplierOf(own, "qln"),
          gainScale: own.number("lns"),
        },
      }),
    };
  };
  return {
    ...{ input, hidden },
    gates: {
      ...(p.flag("cifg") ? {} : { input: gate("i") }),
      ...{ forget: gate("f"), candidate: gate("c"), output: gate("o") },
    },
    inputZero: p.integer("xz"),
    outputZero: p.integer("yz"),
    hiddenZero: p.integer("hz"),
    cellExponent: p.integer("cexp"),
    clip: p.integer("cell_clip"),
    hiddenScale: multiplierOf(p, "q_hidden"),
    ...(p.flag("projection") && {
      projection: {
        weight: c.codes("PW", outputs * hidden),
        bias: c.has("PB") ? c.codes("PB", outputs) : new Array<number>(outputs).fill(0),
        scale: multiplierOf(p, "q_proj"),
      },
    }),
  };
}
