import { isCluster, lookOf, type Look, type MapFeature, type State } from '../measure/feature';
import { colourOf, inkOn, numeric, type Scale } from '../measure/scale';
import type { Theme } from './theme';

/** How one mark is drawn; the map's style reads these by name. */
export interface Mark {
  kind: 'station' | 'cluster';
  thing: string; // '' for a cluster
  value: number | null;
  count: number;
  state: State;
  fill: string;
  edge: string;
  width: number;
  radius: number;
  label: string;
  size: number;
  ink: string;
  badge?: Look;
}

export type MarkFeature = GeoJSON.Feature<GeoJSON.Point, Mark>;

/** What the map draws of features: full while they report, hollow and with a badge when not. */
export function marksOf(features: readonly MapFeature[], scale: Scale, theme: Theme, write: (n: number) => string): GeoJSON.FeatureCollection<GeoJSON.Point, Mark> {
  const drawn = features.filter((f) => f.geometry !== null).map((f): MarkFeature => {
    const point: GeoJSON.Point = { type: 'Point', coordinates: f.geometry!.coordinates.slice(0, 2) };
    return { type: 'Feature', geometry: point, properties: markOf(f, scale, theme, write) };
  });
  return { type: 'FeatureCollection', features: drawn };
}

export function markOf(f: MapFeature, scale: Scale, theme: Theme, write: (n: number) => string): Mark {
  const cluster = isCluster(f);
  const value = cluster ? f.properties.mean : f.properties.value;
  const state = cluster ? f.properties.worst : f.properties.state;
  const colour = colourOf(scale, value);
  const n = numeric(value);
  const count = cluster ? f.properties.count : 1;
  const mark: Mark = {
    kind: cluster ? 'cluster' : 'station',
    thing: cluster ? '' : f.properties.thing,
    value: n ?? null,
    count,
    state,
    ...paintOf(lookOf(state), colour, theme),
    radius: cluster ? Math.min(30, 15 + 3 * Math.log2(count)) : 15,
    label: cluster ? write(count) : typeof value === 'number' ? short(value, write) : '',
    size: cluster ? 14 : 11,
  };
  if (lookOf(state) !== 'ok') mark.badge = lookOf(state);
  return mark;
}

function paintOf(look: Look, colour: string, theme: Theme): Pick<Mark, 'fill' | 'edge' | 'width' | 'ink'> {
  if (look === 'alarm') return { fill: colour, edge: theme.alarm, width: 4, ink: inkOn(colour) };
  if (look === 'ok') return { fill: colour, edge: theme.edge, width: 1.5, ink: inkOn(colour) };
  return { fill: theme.paper, edge: colour, width: 5, ink: theme.name };
}

/** A number that fits into a mark. */
export function short(value: number, write: (n: number) => string): string {
  const size = Math.abs(value);
  if (size >= 10_000) return `${write(Math.round(value / 1000))}k`;
  return write(size >= 10 ? Math.round(value) : Math.round(value * 10) / 10);
}
