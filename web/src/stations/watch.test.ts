import { expect, test } from 'vitest';
import { newsIn } from './watch.svelte';

const feature = { type: 'Feature', id: 7, geometry: null, properties: { thing: 's', name: 'S' } };

test.each([
  ['a snapshot', JSON.stringify({ features: [feature], gone: [] }), { features: [feature], gone: [] }],
  ['a delta', JSON.stringify({ time: 'x', features: [], gone: [12] }), { features: [], gone: [12] }],
  ['a collection without gone', JSON.stringify({ features: [feature, null, {}] }), { features: [feature], gone: [] }],
  ['the time', '{"time":"2026-01-01T00:00:00Z"}', undefined],
  ['nothing', 'null', undefined],
  ['no JSON', '{', undefined],
])('%s', (_, data, want) => {
  expect(newsIn(data)).toEqual(want);
});
