/** Asked for by Ctrl-C, and by schedulers before they end a job. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Does work that can be asked to end early. A second signal, whichever of them, ends the process at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const deafen = () => {
    for (const signal of SIGNALS) process.off(signal, abort);
  };
  const abort = () => {
    deafen();
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, abort);
  try {
    return await work(controller.signal);
  } finally {
    deafen();
  }
}
