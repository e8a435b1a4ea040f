import { expect, test, vi } from 'vitest';
import type { StationFeature } from '../measure/feature';
import { ByName } from './order';

const station = (id: number, name: string, value = 1) => ({ type: 'Feature', id, geometry: null, properties: { thing: `t${id}`, name, value } }) as StationFeature;
const told = (all: readonly StationFeature[]) => all.map((f) => `${f.properties.name}=${f.properties.value as number}`);

test('stations stand by name as Vietnamese has it, numbers by size', () => {
  const order = new ByName();
  expect(told(order.sort([station(1, 'Trạm 10'), station(2, 'Đống Đa'), station(3, 'Trạm 9'), station(4, 'Dịch Vọng')]))).toEqual(['Dịch Vọng=1', 'Đống Đa=1', 'Trạm 9=1', 'Trạm 10=1']);
});

test('new values are taken in without comparing names again, new names are not', () => {
  const order = new ByName();
  order.sort([station(1, 'B'), station(2, 'A')]);
  const compared = vi.spyOn(Array.prototype, 'sort');
  expect(told(order.sort([station(2, 'A', 5), station(1, 'B', 6)]))).toEqual(['A=5', 'B=6']);
  expect(compared).not.toHaveBeenCalled();
  compared.mockRestore();
  expect(told(order.sort([station(2, 'C'), station(1, 'B')]))).toEqual(['B=1', 'C=1']);
  expect(told(order.sort([station(3, 'A'), station(2, 'C'), station(1, 'B')]))).toEqual(['A=1', 'B=1', 'C=1']);
});
