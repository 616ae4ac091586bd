import { expect, test } from "vitest";
import { interruptible } from "../../src/cli/interrupt.ts";

const listeners = () => [process.listenerCount("SIGINT"), process.listenerCount("SIGTERM")];

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s asks for an end, and the next signal of either kind is the system's to answer",
  async (first) => {
    const before = listeners();
    const heard = await interruptible(async (signal) => {
      expect(listeners()).toEqual(before.map((count) => count + 1));
      expect(signal.aborted).toBe(false);
      process.emit(first);
      expect(listeners()).toEqual(before);
      return signal.aborted;
    });
    expect(heard).toBe(true);
  },
);

test("work that ends, well or not, leaves nobody listening", async () => {
  const before = listeners();
  expect(await interruptible(async () => 3)).toBe(3);
  await expect(interruptible(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(listeners()).toEqual(before);
});
