/** A window of the world: west, south, east, north, in degrees. */
export type Box = [west: number, south: number, east: number, north: number];

/** Grows a box by a share of its size to each side, within the world. */
export function grow([w, s, e, n]: Box, share: number): Box {
  const x = (e - w) * share;
  const y = (n - s) * share;
  return [Math.max(-180, w - x), Math.max(-85, s - y), Math.min(180, e + x), Math.min(85, n + y)];
}

export function holds([w, s, e, n]: Box, inner: Box): boolean {
  return w <= inner[0] && s <= inner[1] && e >= inner[2] && n >= inner[3];
}

export function contains([w, s, e, n]: Box, [lon, lat]: readonly [number, number, ...number[]]): boolean {
  return lon >= w && lon <= e && lat >= s && lat <= n;
}

export function area([w, s, e, n]: Box): number {
  return (e - w) * (n - s);
}

/** The box around boxes; undefined around none. */
export function around(boxes: readonly Box[]): Box | undefined {
  return boxes.reduce<Box | undefined>(
    (all, b) => (all ? [Math.min(all[0], b[0]), Math.min(all[1], b[1]), Math.max(all[2], b[2]), Math.max(all[3], b[3])] : b), undefined);
}

/** As the API takes a bbox. */
export function write(box: Box): string {
  return box.map((n) => n.toFixed(6)).join(',');
}
