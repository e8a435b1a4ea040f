import { afterEach, expect, test, vi } from 'vitest';
import type { Client } from '../client/client';
import { Properties } from './properties.svelte';

afterEach(() => vi.useRealTimers());

const pm25 = { code: 'pm25', name: 'PM2.5', unit: 'µg/m³', kind: 'number' };

/** A hub that gives one answer after the other, the last for good. */
function hub(...answers: (unknown[] | number)[]): { client: Client; asked: () => number } {
  let n = 0;
  const GET = () => {
    const answer = answers[Math.min(n++, answers.length - 1)]!;
    const status = typeof answer === 'number' ? answer : 200;
    return Promise.resolve({ data: { items: answer, timeZone: 'Asia/Ho_Chi_Minh' }, error: {}, response: new Response(null, { status }) });
  };
  return { client: { GET } as unknown as Client, asked: () => n };
}

test('a page that was opened before the first reading fills by itself', async () => {
  vi.useFakeTimers();
  const properties = new Properties(hub(503, [], [], [pm25]).client);
  await properties.ask();
  expect(properties.trouble?.status).toBe(503);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(properties.all).toEqual([]);
  expect(properties.trouble).toBeUndefined();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(properties.all).toEqual([pm25]);
  expect(properties.timeZone).toBe('Asia/Ho_Chi_Minh');
  properties.close();
});

test('what comes later is offered, too, and what is closed asks no more', async () => {
  vi.useFakeTimers();
  const { client, asked } = hub([pm25], [pm25, { ...pm25, code: 'level' }]);
  const properties = new Properties(client);
  await properties.ask();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(properties.all).toHaveLength(2);
  properties.close();
  await vi.advanceTimersByTimeAsync(300_000);
  expect(asked()).toBe(2);
});
