import { expect, test } from 'vitest';
import type { ClusterFeature, State, StationFeature } from '../measure/feature';
import { scaleOf } from '../measure/scale';
import { markOf, marksOf, short } from './marks';
import { themeOf } from './theme';

const scale = scaleOf('pm25', 'number', 0, 1);
const theme = themeOf(false);
const station = (state: State, value: number | null): StationFeature => ({
  type: 'Feature', id: 1, geometry: { type: 'Point', coordinates: [105.8, 21] },
  properties: { thing: 's', name: 'S', datastream: 1, value, unit: 'µg/m³', time: '2026-01-01T00:00:00Z', quality: [], state },
});
const cluster: ClusterFeature = {
  type: 'Feature', geometry: { type: 'Point', coordinates: [105, 21] },
  properties: { cluster: true, count: 12, min: 1, mean: 60, max: 99, unit: '', worst: 'stale' },
};

test('what is overdue differs by more than its colour', () => {
  const ok = markOf(station('ok', 60), scale, theme, String);
  const stale = markOf(station('stale', 60), scale, theme, String);
  expect(ok.fill).toBe(scale.colours[2]);
  expect(ok.badge).toBeUndefined();
  expect(stale).toMatchObject({ fill: theme.paper, edge: scale.colours[2], badge: 'stale' });
  expect(stale.width).toBeGreaterThan(ok.width);
});

test('an alarm has a badge and an edge of its own', () => {
  expect(markOf(station('major', 60), scale, theme, String)).toMatchObject({ badge: 'alarm', edge: theme.alarm, fill: scale.colours[2] });
});

test('a cluster has the look of its worst state, the colour of its mean and its number', () => {
  expect(markOf(cluster, scale, theme, String)).toMatchObject({ kind: 'cluster', edge: scale.colours[2], badge: 'stale', label: '12', count: 12 });
});

test('a station without a place is not drawn, one without a number has no label', () => {
  expect(marksOf([{ ...station('ok', 1), geometry: null }, cluster], scale, theme, String).features).toHaveLength(1);
  expect(markOf(station('unknown', null), scale, theme, String)).toMatchObject({ label: '', value: null, badge: 'unknown' });
});

test.each([[55.7, '56'], [9.96, '10'], [3.14, '3.1'], [0, '0'], [12345, '12k'], [-4.26, '-4.3']])('%d is written %s', (value, want) => {
  expect(short(value, String)).toBe(want);
});
