import { expect, test } from 'vitest';
import { classOf, colourless, colourOf, even, inkOn, luminance, scaleOf } from './scale';

test('a value falls into the class that begins with it', () => {
  const scale = scaleOf('pm25', 'number', 0, 0);
  expect([-1, 24.9, 25, 150, 1e6].map((v) => classOf(scale, v))).toEqual([0, 0, 1, 4, 4]);
  expect(colourOf(scale, 30)).toBe(scale.colours[1]);
  expect(colourOf(scale, 'open')).toBe(colourless);
  expect(colourOf(scale, null)).toBe(colourless);
});

test('yes and no have different colours', () => {
  const scale = scaleOf('occupied', 'boolean', 0, 1);
  expect(colourOf(scale, true)).not.toBe(colourOf(scale, false));
});

test.each(['pm25', 'humidity', 'battery', 'something else'])('the ramp of %s can be told apart without hue', (property) => {
  const light = scaleOf(property, 'number', 0, 1).colours.map(luminance);
  const steps = light.slice(1).map((l, i) => (Math.max(l, light[i]!) + 0.05) / (Math.min(l, light[i]!) + 0.05));
  for (const contrast of steps) expect(contrast).toBeGreaterThan(1.3);
  expect(light).toEqual([...light].sort((a, b) => (light[0]! > light[1]! ? b - a : a - b)));
});

test('ink can be read on every colour', () => {
  for (const property of ['pm25', 'humidity', 'temperature', 'battery']) {
    for (const colour of scaleOf(property, 'number', 0, 1).colours) {
      const [a, b] = [luminance(colour), luminance(inkOn(colour))].sort((x, y) => y - x);
      expect((a! + 0.05) / (b! + 0.05), colour).toBeGreaterThanOrEqual(4.5);
    }
  }
});

test.each([
  [0, 100, [20, 40, 60, 80]],
  [3.1, 3.9, [3.2, 3.4, 3.6, 3.8]],
  [7, 7, [7]],
])('%d to %d is cut at round numbers', (low, high, want) => {
  expect(even(low, high)).toEqual(want);
});
