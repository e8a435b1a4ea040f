import { expect, test } from 'vitest';
import { digitsOf } from './axis';

test.each([[1, 0], [20, 0], [0.5, 1], [0.25, 2], [2.5, 1], [0.1, 1], [0.002, 3], [1e-9, 6]])('steps of %d need %d digits', (step, want) => {
  expect(digitsOf(step)).toBe(want);
});
