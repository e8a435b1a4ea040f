import { AttributionControl, Map as MapLibre, setWorkerUrl, type GeoJSONSource, type PaddingOptions } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import type { View } from '../address/address.svelte';
import type { Box } from '../stations/box';
import { badge, badges } from './badges';
import type { MarkFeature } from './marks';
import { styleOf } from './style';
import type { Theme } from './theme';

/** Whether this browser can draw the map. */
export function canDraw(): boolean {
  return document.createElement('canvas').getContext('webgl2') !== null;
}

/** Fetches the fonts of the map, in both scripts: it would draw letters of another font for good otherwise. */
export async function fetchFonts(): Promise<void> {
  const wanted = [['City Regular', 'aạ'], ['City Semibold', '1']] as const;
  await Promise.allSettled(wanted.map(([family, letters]) => document.fonts.load(`24px "${family}"`, letters)));
}

/** Whether a map is large enough for its legend to stand open beside the city. */
export function roomForLegend(width: number, height: number): boolean {
  return width >= 800 && height >= 640;
}

/** How far the city keeps off the edges of a map, and off the legend. */
export function marginsOf(element: HTMLElement): PaddingOptions {
  const right = roomForLegend(element.clientWidth, element.clientHeight) ? 304 : 24;
  return { top: 24, bottom: 24, left: 24, right };
}

/** What a canvas is made with. */
export interface CanvasOptions {
  theme: Theme;
  kind: string; // of the zones
  view: View | undefined;
  box: Box | undefined; // shown where there is no view
}

/** Makes the map in an element. The element carries it as `map`, for tests. */
export function makeMap(element: HTMLElement & { map?: MapLibre }, o: CanvasOptions): MapLibre {
  setWorkerUrl(workerUrl);
  const map = new MapLibre({
    container: element,
    style: styleOf(o.theme, window.location.origin, o.kind),
    ...(o.view ? { center: [o.view.lon, o.view.lat], zoom: o.view.zoom } : o.box ? { bounds: o.box, fitBoundsOptions: { padding: marginsOf(element) } } : { center: [106, 16.5], zoom: 4.5 }),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0, // marks change every moment; fading, their numbers would never be quite there
    renderWorldCopies: false, // beyond 180° there is another world, which no window of the hub's reaches
    maxZoom: 20,
    minZoom: 3,
    refreshExpiredTiles: false,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new AttributionControl({ compact: true }), 'bottom-left');
  map.on('style.load', () => {
    for (const look of badges) {
      if (!map.hasImage(look)) map.addImage(look, badge(look, o.theme), { pixelRatio: 2 });
    }
  });
  element.map = map;
  return map;
}

/** Sets the data of one of the style's sources, once the style is there. */
export function setData(map: MapLibre, source: 'marks' | 'names' | 'pointed', data: GeoJSON.FeatureCollection) {
  map.getSource<GeoJSONSource>(source)?.setData(data);
}

/** The window that a map shows. */
export function boxOf(map: MapLibre): Box {
  const b = map.getBounds();
  return [Math.max(-180, b.getWest()), Math.max(-85, b.getSouth()), Math.min(180, b.getEast()), Math.min(85, b.getNorth())];
}

/** What stands at a point of the map, marks before zones. */
export function markAt(map: MapLibre, point: { x: number; y: number }): MarkFeature | undefined {
  return map.queryRenderedFeatures([point.x, point.y], { layers: ['stations', 'clusters', 'cluster-rings'] })[0] as unknown as MarkFeature | undefined;
}
