import type { Map as MapLibre } from 'maplibre-gl';
import { colourOf, type Scale } from '../measure/scale';
import type { Zones } from './zones';

/** What a zone's shade is made of. */
export interface Shade {
  value: number;
  count: number; // of readings
}

/** The shades of zones, by the zone's id. */
export class Shades {
  of = $state.raw<ReadonlyMap<number, Shade>>(new Map());
  on = $state(true);

  /** Colours the zones on a map; those without a value are left plain. */
  paint(map: MapLibre, zones: Zones, scale: Scale) {
    for (const zone of zones.all) {
      const target = { source: 'zones', sourceLayer: 'zones', id: zone.id };
      const shade = this.on ? this.of.get(zone.id) : undefined;
      if (shade) map.setFeatureState(target, { colour: colourOf(scale, shade.value) });
      else map.removeFeatureState(target, 'colour');
    }
  }
}
