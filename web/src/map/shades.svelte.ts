import type { Map as MapLibre } from 'maplibre-gl';
import { dataOf, isAbort, Trouble, type Client, type ZoneStatistics } from '../client/client';
import { colourOf, type Scale } from '../measure/scale';
import type { Zones } from './zones';

/** What a zone's shade is made of. */
export interface Shade {
  mean: number; // of the stations' means
  stations: number;
}

const hour = 3_600_000;
const pause = 60_000; // between two readings

/** The shades of zones, by the zone's id: the mean of their stations in the hour that is over and the one that runs. */
export class Shades {
  of = $state.raw<ReadonlyMap<number, Shade>>(new Map());
  on = $state(true);
  readonly #client: Client;
  #large = false; // the city has more readings than are added up while somebody waits

  constructor(client: Client) {
    this.#client = client;
  }

  /** Follows a property in the zones of a kind, until the returned function is called. */
  follow(property: string, kind: string): () => void {
    const stop = new AbortController();
    this.of = new Map();
    void this.#read(property, kind, stop.signal);
    const timer = setInterval(() => void this.#read(property, kind, stop.signal), pause);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }

  async #read(property: string, kind: string, signal: AbortSignal) {
    try {
      const items = await this.#ask(property, kind, signal);
      const told = items.flatMap((z): [number, Shade][] => (typeof z.mean === 'number' ? [[z.zone, { mean: z.mean, stations: z.stations }]] : []));
      if (!signal.aborted) this.of = new Map(told);
    } catch (error) {
      // The map goes on without shades, and they are asked for again.
      if (!isAbort(error) && !(error instanceof Trouble)) throw error;
    }
  }

  /** Asks for readings up to now, or, in a large city, for what is rolled up: that of the hours that are over. */
  async #ask(property: string, kind: string, signal: AbortSignal): Promise<ZoneStatistics['items']> {
    const now = Date.now();
    const datetime = `${new Date(now - (this.#large ? 2 : 1) * hour).toISOString()}/${new Date(now).toISOString()}`;
    const query = { property, kind, datetime, fn: ['mean'], weight: 'station' as const, ...(this.#large && { rollups: 'only' as const }) };
    try {
      const answer = await dataOf(this.#client.GET('/api/v1/zones/statistics', { params: { query }, signal }));
      return (answer as ZoneStatistics).items; // it could be a table of text, too, which is not asked for
    } catch (error) {
      if (this.#large || !(error instanceof Trouble) || error.status !== 400) throw error;
      this.#large = true;
      return this.#ask(property, kind, signal);
    }
  }

  /** Colours the zones on a map; those without a value are left plain. */
  paint(map: MapLibre, zones: Zones, scale: Scale) {
    for (const zone of zones.all) {
      const target = { source: 'zones', sourceLayer: 'zones', id: zone.id };
      const shade = this.on ? this.of.get(zone.id) : undefined;
      if (shade) map.setFeatureState(target, { colour: colourOf(scale, shade.mean) });
      else map.removeFeatureState(target, 'colour');
    }
  }
}
