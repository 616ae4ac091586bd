/** What a learning rate may depend on. */
interface Moment {
  /** Of the step that is about to be taken, from 1. */
  readonly step: number;
  /** Steps of the whole training. */
  readonly steps: number;
  /** Validation losses after each epoch that is over. */
  readonly validation: readonly number[];
}

interface Schedule {
  readonly doc: string;
  /** The share of the greatest rate, 0 … 1. */
  share(moment: Moment): number;
}

/** Each time validation has not improved, the rate falls to this share. */
const PLATEAU_FACTOR = 0.25;

/** How the learning rate goes on once it is warm. */
const SCHEDULES = {
  constant: { doc: "stays", share: () => 1 },
  cosine: {
    doc: "half a cosine from 1 to 0 over the whole training",
    share: ({ step, steps }) => (1 + Math.cos((Math.PI * (step - 1)) / steps)) / 2,
  },
  plateau: {
    doc: `falls to ${PLATEAU_FACTOR} of itself after every epoch whose validation loss is no new best`,
    share: ({ validation }) =>
      validation.reduce(
        (share, loss, i) => (loss < Math.min(...validation.slice(0, i)) ? share : share * PLATEAU_FACTOR),
        1,
      ),
  },
} as const satisfies Record<string, Schedule>;

export interface RateSettings {
  readonly rate: number;
  /** Steps in which the rate rises from 0, evenly. */
  readonly warmup: number;
  readonly schedule: keyof typeof SCHEDULES;
}

/** The learning rate of a step. */
export function rateAt({ rate, warmup, schedule }: RateSettings, moment: Moment): number {
  return rate * Math.min(1, moment.step / Math.max(warmup, 1)) * SCHEDULES[schedule].share(moment);
}
