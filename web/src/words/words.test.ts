import { expect, test } from 'vitest';
import { pick, Words } from './words.svelte';

class Memory implements Storage {
  #kept = new Map<string, string>();
  get length() { return this.#kept.size; }
  clear() { this.#kept.clear(); }
  getItem(key: string) { return this.#kept.get(key) ?? null; }
  key(i: number) { return [...this.#kept.keys()][i] ?? null; }
  removeItem(key: string) { this.#kept.delete(key); }
  setItem(key: string, value: string) { this.#kept.set(key, value); }
}

test.each([
  [null, ['en-GB', 'vi'], 'en'],
  [null, ['fr', 'vi-VN'], 'vi'],
  [null, ['fr'], 'vi'],
  ['en', ['vi'], 'en'],
  ['de', ['en'], 'en'],
])('asked for %s by a browser that speaks %s', (asked, browser, want) => {
  expect(pick(asked, browser)).toBe(want);
});

test('the language of a link is kept, and a choice beats the browser', () => {
  const memory = new Memory();
  expect(new Words('en', memory, ['vi']).language).toBe('en');
  expect(new Words(null, memory, ['vi']).language).toBe('en');
});

test('values and ages are written as the language has it', () => {
  const words = new Words('vi', new Memory(), []);
  expect(words.value(55.73, 'µg/m³')).toBe('55,73 µg/m³');
  expect(words.value(true, '')).toBe('có');
  expect(words.value(0, '1')).toBe('0');
  expect(words.value(null, '%')).toBe('–');
  const ages: [number, string][] = [[0, 'vài giây'], [59_000, '59 giây'], [3_600_000, '60 phút'], [7_200_000, '2 giờ'], [3 * 86_400_000, '3 ngày']];
  for (const [ms, want] of ages) expect(words.age(ms)).toBe(want);
});
