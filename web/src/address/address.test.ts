import { expect, test } from 'vitest';
import { readPlace, writePlace } from './address.svelte';

test('a link keeps the property, the view, the station and the range', () => {
  const place = { property: 'pm25', view: { lon: 105.84, lat: 21.03, zoom: 12.5 }, station: 'st-air-00001', range: 'week', show: 'list' } as const;
  expect(readPlace(writePlace(place))).toEqual(place);
});

test.each(['at=1,2', 'at=x,y,z', 'at=200,0,3', 'at=0,89,3', 'at=', 'range=year', 'show=x'])('%s is passed over', (query) => {
  expect(readPlace(query)).toEqual({ property: undefined, view: undefined, station: undefined, range: 'day', show: 'map' });
});

test('codes are quoted', () => {
  const place = { property: 'a&b', view: undefined, station: 'x y', range: 'day', show: 'map' } as const;
  expect(readPlace(writePlace(place))).toEqual(place);
});
