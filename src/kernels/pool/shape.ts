/** Windows that lie side by side over an image and leave nothing of it out. */
export interface PoolShape {
  /** Of the input: `height` rows of `width` pixels of `channels` values, channels fastest. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Of a window, down and across: they divide the height and the width. */
  readonly window: readonly [number, number];
}

/** Rows and columns of the result. */
export const pooledSize = ({ height, width, window }: PoolShape): readonly [number, number] => [
  height / window[0],
  width / window[1],
];

/** The pixels of each window, window by window: their places in the input. */
export function windowsOf(shape: PoolShape): number[][] {
  const [rows, columns] = pooledSize(shape);
  const [down, across] = shape.window;
  const pixels = (row: number, column: number) =>
    Array.from({ length: down * across }, (_, i) => {
      const right = i % across;
      return (row * down + (i - right) / across) * shape.width + column * across + right;
    });
  return Array.from({ length: rows * columns }, (_, i) => pixels((i - (i % columns)) / columns, i % columns));
}
