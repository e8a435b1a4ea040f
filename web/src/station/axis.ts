/** How many digits behind the point tell the ticks of an axis apart that stand a step from each other. */
export function digitsOf(step: number): number {
  for (let digits = 0; digits < 6; digits++) {
    const n = step * 10 ** digits;
    if (Math.abs(n - Math.round(n)) < 1e-6 * n) return digits;
  }
  return 6;
}
