import { afterEach, expect, test, vi } from 'vitest';
import type { Client } from '../client/client';
import { newsIn, Watch } from './watch.svelte';

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

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const station = (id: number, name: string) => ({ type: 'Feature', id, geometry: { type: 'Point', coordinates: [105.8, 21] }, properties: { thing: `t${id}`, name, value: id, time: '2026-01-01T00:00:00Z', quality: [], state: 'ok' } });
const told = (watch: Watch) => watch.stations.map((f) => f.properties.name).join(' ');

/** A hub whose streams tell what tell has, or are refused where it has a status. */
function hub(tell: (string | number)[], latest: unknown[]) {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', () => {
    const next = tell.shift() ?? 403;
    if (typeof next === 'number') return Promise.resolve(new Response(null, { status: next }));
    const body = new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode(next)) }); // stays open
    return Promise.resolve(new Response(body));
  });
  const GET = (path: string) => Promise.resolve({ data: { features: path.endsWith('/latest') ? latest : [station(1, 'A'), station(2, 'B')] }, response: new Response() });
  return new Watch({ GET } as unknown as Client);
}

const snapshot = (...features: unknown[]) => `event: snapshot\nid: 1\ndata: ${JSON.stringify({ features })}\n\n`;

test('the list stays while another window opens its stream', async () => {
  const watch = hub([snapshot(station(1, 'A'), station(2, 'B')), '', snapshot(station(1, 'A'))], []);
  watch.look({ property: 'pm25', box: [105, 20, 106, 22], zoom: 9 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect([watch.link, told(watch)]).toEqual(['live', 'A B']);
  watch.look({ property: 'pm25', box: [90, 0, 110, 40], zoom: 5 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told(watch)).toBe('A B'); // its stream has told nothing yet
  watch.look({ property: 'pm25', box: [0, 0, 179, 80], zoom: 1 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told(watch)).toBe('A');
  watch.close();
});

test('where no stream is opened the list is asked for', async () => {
  const watch = hub([], [station(2, 'B'), station(1, 'A')]);
  watch.look({ property: 'pm25', box: [105, 20, 106, 22], zoom: 9 });
  await vi.advanceTimersByTimeAsync(6_000);
  expect([watch.link, told(watch)]).toEqual(['polling', 'A B']);
  watch.close();
});
