import type { GeoJSONSourceSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Theme } from './theme';

/** The fonts that marks and names are written with: those of fonts.css, under names of their own. */
const plain = ['City Regular'];
const strong = ['City Semibold'];

const empty: GeoJSONSourceSpecification = { type: 'geojson', data: { type: 'FeatureCollection', features: [] } };

/**
 * The map's style: land, zones, and marks on them. It names no host but the given origin, no glyphs
 * (letters are drawn by the browser) and no borders but those of the city's own zones.
 */
export function styleOf(theme: Theme, origin: string, kind: string): StyleSpecification {
  return {
    version: 8,
    sources: {
      zones: {
        type: 'vector', tiles: [`${origin}/api/v1/tiles/zones/{z}/{x}/{y}.mvt?kind=${encodeURIComponent(kind)}`],
        minzoom: 4, maxzoom: 14,
      },
      names: empty,
      marks: empty,
      pointed: empty,
    },
    layers: [...ground(theme), ...marks(theme)],
  };
}

function ground(theme: Theme): LayerSpecification[] {
  return [
    { id: 'outside', type: 'background', paint: { 'background-color': theme.outside } },
    { id: 'land', type: 'fill', source: 'zones', 'source-layer': 'zones', paint: { 'fill-color': theme.land, 'fill-antialias': false } },
    {
      id: 'shade', type: 'fill', source: 'zones', 'source-layer': 'zones',
      paint: {
        'fill-color': ['coalesce', ['feature-state', 'colour'], theme.land],
        'fill-opacity': ['case', ['!=', ['feature-state', 'colour'], null], 0.55, 0],
      },
    },
    {
      id: 'borders', type: 'line', source: 'zones', 'source-layer': 'zones',
      paint: { 'line-color': theme.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.5, 13, 1.5] },
    },
    {
      id: 'names', type: 'symbol', source: 'names', minzoom: 10.5,
      layout: { 'text-field': ['get', 'name'], 'text-font': plain, 'text-size': ['interpolate', ['linear'], ['zoom'], 10.5, 10, 14, 14], 'text-max-width': 7, 'text-padding': 3, 'text-variable-anchor': ['center', 'top', 'bottom', 'left', 'right'], 'text-radial-offset': 1.7 },
      paint: { 'text-color': theme.name, 'text-halo-color': theme.halo, 'text-halo-width': 1.5 },
    },
  ];
}

function marks(theme: Theme): LayerSpecification[] {
  const cluster: ['==', ['get', 'kind'], string] = ['==', ['get', 'kind'], 'cluster'];
  const station: ['==', ['get', 'kind'], string] = ['==', ['get', 'kind'], 'station'];
  return [
    {
      id: 'cluster-rings', type: 'circle', source: 'marks', filter: cluster,
      paint: { 'circle-radius': ['+', ['get', 'radius'], 4], 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': theme.edge, 'circle-stroke-width': 1.5 },
    },
    {
      id: 'clusters', type: 'circle', source: 'marks', filter: cluster,
      paint: { 'circle-radius': ['get', 'radius'], 'circle-color': ['get', 'fill'], 'circle-stroke-color': ['get', 'edge'], 'circle-stroke-width': ['get', 'width'] },
    },
    {
      id: 'stations', type: 'circle', source: 'marks', filter: station,
      paint: { 'circle-radius': ['get', 'radius'], 'circle-color': ['get', 'fill'], 'circle-stroke-color': ['get', 'edge'], 'circle-stroke-width': ['get', 'width'] },
    },
    {
      id: 'pointed', type: 'circle', source: 'pointed',
      paint: { 'circle-radius': 22, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': theme.pointed, 'circle-stroke-width': 4 },
    },
    {
      id: 'labels', type: 'symbol', source: 'marks',
      layout: {
        'text-field': ['get', 'label'], 'text-font': strong, 'text-size': ['get', 'size'],
        'text-allow-overlap': true, 'text-padding': 9, // the names of zones keep off the marks
      },
      paint: { 'text-color': ['get', 'ink'] },
    },
    {
      id: 'badges', type: 'symbol', source: 'marks', filter: ['has', 'badge'],
      layout: {
        'icon-image': ['get', 'badge'], 'icon-offset': [12, -12], 'icon-allow-overlap': true, 'icon-ignore-placement': true,
      },
    },
  ];
}
