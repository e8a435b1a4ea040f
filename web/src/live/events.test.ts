import { expect, test } from 'vitest';
import { EventReader } from './events';

test('events are cut out of pieces of any length', () => {
  const text = 'event: snapshot\nid: 1\ndata: {"a":\ndata: 1}\n\n: \n\nevent: change\r\nid: 2\r\ndata: x\r\n\r\ndata: y\n\n';
  const want = [
    { name: 'snapshot', data: '{"a":\n1}', id: '1' },
    { name: 'change', data: 'x', id: '2' },
    { name: 'message', data: 'y', id: '2' },
  ];
  for (let size = 1; size <= text.length; size++) {
    const reader = new EventReader();
    const got = [];
    for (let at = 0; at < text.length; at += size) got.push(...reader.read(text.slice(at, at + size)));
    expect(got, `pieces of ${size}`).toEqual(want);
  }
});

test('a heartbeat is no event', () => {
  expect(new EventReader().read(': \n\n:\n\n')).toEqual([]);
});
