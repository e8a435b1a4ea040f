import { expect, test } from 'vitest';
import { knownZone, pick, Words } from './words.svelte';

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

test.each([
  [12345, '12.345', '12,345'], [98765.43, '98.765', '98,765'], [1012.5, '1.012,5', '1,012.5'], [55.734, '55,73', '55.73'], [9, '9', '9'],
  [0.04567, '0,0457', '0.0457'], [-4.256, '-4,26', '-4.26'], [0, '0', '0'],
])('%d keeps its whole part', (value, vi, en) => {
  expect(new Words('vi', new Memory(), []).number(value)).toBe(vi);
  expect(new Words('en', new Memory(), []).number(value)).toBe(en);
});

test('times are the city\'s, wherever the browser stands', () => {
  const words = new Words('en', new Memory(), []);
  const at = new Date('2026-01-01T20:00:00Z');
  words.zone = knownZone('Asia/Ho_Chi_Minh');
  expect(words.instant(at)).toContain('3:00');
  expect(words.zoneName(at)).toBe('GMT+7');
  words.zone = knownZone('Local');
  expect(words.zone).toBeUndefined();
  expect(words.instant(at)).not.toBe('');
});

test('no error is told in another language than the page', () => {
  const words = new Words('vi', new Memory(), []);
  expect(words.trouble({ status: 0, title: '' })).toBe(words.t.unreachable);
  expect(words.trouble({ status: 403, title: 'Không được phép' })).toBe('Không tải được: Không được phép');
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
