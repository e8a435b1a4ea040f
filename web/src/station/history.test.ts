import { expect, test } from 'vitest';
import { byHour, hourly, withGaps } from './history';

test('a long pause is a gap, a usual one is not', () => {
  const curve = withGaps([[0, 1], [60, 2], [120, 3], [1000, 4], [1060, 5]]);
  expect(curve.values).toEqual([1, 2, 3, null, 4, 5]);
  expect(curve.times[3]).toBe(560);
});

test('slow reporters have longer pauses', () => {
  expect(withGaps([[0, 1], [900, 2], [1800, 3], [3600, 4]]).values).toEqual([1, 2, 3, 4]);
});

test('no points make no curve', () => {
  expect(withGaps([])).toEqual({ times: [], values: [], low: undefined, high: undefined });
});

test('an hour that is missing is a gap in all three lines', () => {
  const hour = (n: number, mean: number) => ({ from: new Date(n * 3_600_000).toISOString(), to: new Date((n + 1) * 3_600_000).toISOString(), mean, min: mean - 1, max: mean + 1 });
  const curve = hourly([hour(0, 5), hour(1, 6), hour(3, 7)]);
  expect(curve.times).toEqual([1800, 5400, 9000, 12600]);
  expect(curve.values).toEqual([5, 6, null, 7]);
  expect(curve.low).toEqual([4, 5, null, 6]);
  expect(curve.high).toEqual([6, 7, null, 8]);
});

test('points are summed up by the hour', () => {
  expect(byHour([[0, 1], [3599, 3], [3600, 8]])).toEqual([
    { from: new Date(0), mean: 2, min: 1, max: 3 },
    { from: new Date(3_600_000), mean: 8, min: 8, max: 8 },
  ]);
});
