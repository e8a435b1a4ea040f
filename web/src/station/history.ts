import { dataOf, type Aggregate, type Client, type Observation } from '../client/client';
import type { Range } from '../address/address.svelte';
import { numeric } from '../measure/scale';

/** Values over time, ready to be drawn: ascending times in s since 1970, null where there is a gap. */
export interface Curve {
  times: number[];
  values: (number | null)[];
  low: (number | null)[] | undefined; // of each hour, where values are means
  high: (number | null)[] | undefined;
}

/** One row of the table beside the chart. */
export interface Hour {
  from: Date;
  mean: number;
  min: number;
  max: number;
}

export const spans: Record<Range, number> = { day: 86_400, week: 7 * 86_400 };

const pageSize = 10_000;
const mostPages = 4;

/** A curve, and the table beside it. */
export interface History {
  curve: Curve;
  hours: Hour[];
}

/** A datastream's readings of the last day, or its hourly values of the last week or of a day with too many readings. */
export async function readHistory(client: Client, datastream: number, range: Range, now: number, signal: AbortSignal): Promise<History> {
  const from = new Date(now - spans[range] * 1000);
  if (range === 'week') return readHourly(client, datastream, from, signal);
  const read: Observation[] = [];
  let datetime = `${from.toISOString()}/..`;
  for (let page = 0; page < mostPages; page++) {
    const params = { path: { id: datastream }, query: { datetime, limit: pageSize } };
    const answer = await dataOf(client.GET('/api/v1/datastreams/{id}/observations', { params, signal }));
    read.push(...answer.items);
    if (!answer.next) break;
    if (page === mostPages - 1) return readHourly(client, datastream, from, signal); // its newest would be missing
    datetime = new URL(answer.next, window.location.origin).searchParams.get('datetime') ?? datetime;
  }
  const points = read.flatMap((o): [number, number][] => {
    const value = numeric(o.result);
    return value === undefined ? [] : [[Date.parse(o.phenomenonTime) / 1000, value]];
  });
  return { curve: withGaps(points), hours: byHour(points).reverse() };
}

async function readHourly(client: Client, datastream: number, from: Date, signal: AbortSignal): Promise<History> {
  const params = { path: { id: datastream }, query: { datetime: `${from.toISOString()}/..`, window: 'PT1H' as const } };
  const { items } = await dataOf(client.GET('/api/v1/datastreams/{id}/aggregates', { params, signal }));
  const hours = items.filter((a) => a.mean !== undefined && a.min !== undefined && a.max !== undefined);
  return { curve: hourly(hours), hours: hours.map(hourOf).reverse() };
}

/** Points with a null in every gap: where more than thrice the usual pause passed, and at least two minutes. */
export function withGaps(points: readonly [number, number][]): Curve {
  const pauses = points.slice(1).map(([t], i) => t - points[i]![0]).sort((a, b) => a - b);
  const usual = pauses[Math.floor(pauses.length / 2)] ?? 0;
  const gap = Math.max(120, 3 * usual);
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (const [t, v] of points) {
    const last = times.at(-1);
    if (last !== undefined && t - last > gap) {
      times.push(last + (t - last) / 2);
      values.push(null);
    }
    times.push(t);
    values.push(v);
  }
  return { times, values, low: undefined, high: undefined };
}

/** Hourly values as a curve through the middles of the hours; an hour without readings is a gap. */
export function hourly(hours: readonly Aggregate[]): Curve {
  const curve = { times: [] as number[], values: [] as (number | null)[], low: [] as (number | null)[], high: [] as (number | null)[] };
  const push = (t: number, mean: number | null, low: number | null, high: number | null) => {
    curve.times.push(t);
    curve.values.push(mean);
    curve.low.push(low);
    curve.high.push(high);
  };
  let end: number | undefined;
  for (const h of hours) {
    const [from, to] = [Date.parse(h.from) / 1000, Date.parse(h.to) / 1000];
    if (end !== undefined && from > end) push((end + from) / 2, null, null, null);
    push((from + to) / 2, h.mean!, h.min!, h.max!);
    end = to;
  }
  return curve;
}

function hourOf(a: Aggregate): Hour {
  return { from: new Date(a.from), mean: a.mean!, min: a.min!, max: a.max! };
}

/** Sums points up by the hour. */
export function byHour(points: readonly [number, number][]): Hour[] {
  const hours = new Map<number, number[]>();
  for (const [t, v] of points) {
    const hour = Math.floor(t / 3600);
    const values = hours.get(hour);
    if (values) values.push(v);
    else hours.set(hour, [v]);
  }
  return [...hours].map(([hour, values]) => ({
    from: new Date(hour * 3_600_000),
    mean: values.reduce((a, b) => a + b, 0) / values.length,
    min: values.reduce((a, b) => Math.min(a, b)),
    max: values.reduce((a, b) => Math.max(a, b)),
  }));
}
