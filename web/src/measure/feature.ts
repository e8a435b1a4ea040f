/** The states of a value, from the best to the worst: by its age, and by the alarm that is open for it. */
export const states = ['ok', 'unknown', 'stale', 'info', 'warning', 'minor', 'major', 'critical'] as const;
export type State = (typeof states)[number];
export type Value = number | boolean | string | null;

/** A station's newest value of one property, as /latest tells it. */
export interface StationFeature {
  type: 'Feature';
  id: number;
  geometry: { type: 'Point'; coordinates: [number, number] } | null;
  properties: {
    thing: string;
    name: string;
    datastream: number;
    value: Value;
    unit: string;
    time: string;
    received?: string;
    quality: string[];
    state: State;
  };
}

/** Several stations that stand close together, as /map/clusters tells them. */
export interface ClusterFeature {
  type: 'Feature';
  geometry: { type: 'Point'; coordinates: [number, number] };
  properties: {
    cluster: true;
    count: number;
    min: number | null;
    mean: number | null;
    max: number | null;
    unit: string;
    worst: State;
  };
}

/** How a state looks: as usual, hollow for what is no news, or marked for an alarm. */
export type Look = 'ok' | 'unknown' | 'stale' | 'alarm';

export function lookOf(state: State): Look {
  const at = states.indexOf(state);
  return at < 0 ? 'unknown' : (['ok', 'unknown', 'stale'] as const)[at] ?? 'alarm';
}

export type MapFeature = StationFeature | ClusterFeature;

export interface Collection<F> {
  type: 'FeatureCollection';
  features: F[];
}

export function isCluster(f: MapFeature): f is ClusterFeature {
  return 'cluster' in f.properties;
}

/** How many stations features stand for. */
export function countStations(features: readonly MapFeature[]): number {
  return features.reduce((sum, f) => sum + (isCluster(f) ? f.properties.count : 1), 0);
}

/** Whether a is of a later instant than b. */
export function newer(a: StationFeature, b: StationFeature | undefined): boolean {
  return b === undefined || Date.parse(a.properties.time) >= Date.parse(b.properties.time);
}
