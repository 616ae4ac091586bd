/** A number exactly as written: `digits` / 10^`decimals`. */
export interface Decimal {
  readonly digits: bigint;
  /** >= 0. */
  readonly decimals: number;
}

const DECIMAL = /^(-?\d+)(?:\.(\d+))?$/;

/** Reads digits with or without a point; undefined of anything else. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, whole, fraction = ""] = DECIMAL.exec(text) ?? [];
  return whole === undefined ? undefined : { digits: BigInt(whole + fraction), decimals: fraction.length };
}

/** Both in units of the finer of the two. */
const aligned = (a: Decimal, b: Decimal): readonly [a: bigint, b: bigint, decimals: number] => {
  const decimals = Math.max(a.decimals, b.decimals);
  const scaled = (one: Decimal) => one.digits * 10n ** BigInt(decimals - one.decimals);
  return [scaled(a), scaled(b), decimals];
};

export function minus(a: Decimal, b: Decimal): Decimal {
  const [x, y, decimals] = aligned(a, b);
  return { digits: x - y, decimals };
}

export const times = (a: Decimal, b: Decimal): Decimal => ({
  digits: a.digits * b.digits,
  decimals: a.decimals + b.decimals,
});

export const magnitude = (a: Decimal): Decimal => (a.digits < 0n ? { ...a, digits: -a.digits } : a);

/** Whether a > b. */
export function isAbove(a: Decimal, b: Decimal): boolean {
  const [x, y] = aligned(a, b);
  return x > y;
}

/** With all of its decimals, and a sign in front unless it is 0. */
export function signed({ digits, decimals }: Decimal): string {
  const all = String(digits < 0n ? -digits : digits).padStart(decimals + 1, "0");
  const whole = all.slice(0, all.length - decimals);
  const sign = digits > 0n ? "+" : digits < 0n ? "-" : "";
  return sign + (decimals === 0 ? whole : `${whole}.${all.slice(-decimals)}`);
}
