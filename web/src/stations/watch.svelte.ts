import { dataOf, isAbort, Trouble, troubleOf, type Client } from '../client/client';
import { follow } from '../live/follow';
import type { ServerEvent } from '../live/events';
import { countStations, isCluster, newer, type Collection, type MapFeature, type StationFeature } from '../measure/feature';
import { area, contains, grow, holds, write, type Box } from './box';
import { ByName } from './order';

/** What is looked at. */
export interface Look {
  property: string;
  box: Box;
  zoom: number;
}

/** How news come: live by a stream, by asking now and then, or not at the moment. */
export type Link = 'connecting' | 'live' | 'polling' | 'lost';

const mostLive = 5_000; // stations in a window that are followed one by one
const agePause = 15_000; // values grow old without any news
const newsPause = 1_000; // between two askings for clusters because of news
const pollPause = 5_000;
const drawPause = 250; // between two changes of what is shown

/**
 * Watches the stations of a window of the map: the clusters come from the hub, and its live stream
 * tells of each station that changes. What is shown moves on at most four times a second.
 */
export class Watch {
  /** Clusters and single stations, for the map. */
  features = $state.raw<MapFeature[]>([]);
  /** Every station of the window by name, for the list; the first of them when there are too many. */
  stations = $state.raw<StationFeature[]>([]);
  /** How many stations are in the window. */
  total = $state(0);
  link = $state<Link>('connecting');
  /** When the hub was last heard, ms since 1970. */
  heard = $state(0);
  trouble = $state.raw<Trouble>();
  /** The newest change, for those who show one station. */
  changed = $state.raw<StationFeature[]>([]);

  readonly #client: Client;
  #look: Look | undefined;
  #asking: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Infinity; // when clusters are asked for again
  #live: { box: Box; property: string; stop: () => void; told: boolean } | undefined; // told: its stations are in #known
  #known = new Map<number, StationFeature>(); // of the live window, by id
  #drawing: ReturnType<typeof setTimeout> | undefined;
  #news: StationFeature[] = [];
  readonly #order = new ByName();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Looks at a window; undefined looks at nothing. */
  look(look: Look | undefined) {
    if (look?.property !== this.#look?.property) this.#forget();
    this.#look = look;
    if (look) void this.#ask();
  }

  /** Begins anew, for somebody who may see other things than before. */
  again() {
    const look = this.#look;
    this.#forget();
    this.look(look);
  }

  /** Ends all that is under way. */
  close() {
    this.#forget();
    this.#look = undefined;
  }

  #forget() {
    this.#asking?.abort();
    this.#endLive();
    clearTimeout(this.#timer);
    this.#due = Infinity;
    this.features = [];
    this.stations = [];
    this.total = 0;
    this.link = 'connecting';
  }

  async #ask() {
    const look = this.#look;
    if (!look) return;
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    clearTimeout(this.#timer);
    this.#due = Infinity;
    try {
      const query = { property: look.property, bbox: write(look.box), zoom: tileZoom(look.zoom) };
      const found = (await dataOf(this.#client.GET('/api/v1/map/clusters', { params: { query }, signal: asking.signal }))) as unknown as Collection<MapFeature>;
      if (asking.signal.aborted) return;
      this.#take(found.features, look);
    } catch (error) {
      if (isAbort(error) || asking.signal.aborted) return;
      this.#fail(error);
    }
  }

  #take(features: MapFeature[], look: Look) {
    this.features = features.map((f) => (isCluster(f) ? f : this.#newest(f)));
    this.total = countStations(features);
    this.trouble = undefined;
    this.heard = Date.now();
    if (this.total > mostLive) this.#endLive();
    else this.#openLive(look);
    if (this.total > mostLive || this.link === 'lost') this.link = 'polling'; // the hub answers; a lost stream comes back by itself
    if (this.link === 'polling') void this.#fewest(look);
    this.#askIn(this.link === 'polling' ? pollPause : agePause);
    this.#draw();
  }

  #fail(error: unknown) {
    const trouble = troubleOf(error);
    this.trouble = trouble;
    if (trouble.status === 0) this.link = 'lost';
    this.#askIn(trouble.after ?? pollPause);
  }

  #newest(f: StationFeature): StationFeature {
    const known = this.#known.get(f.id);
    return known && !newer(f, known) ? known : f;
  }

  /** Asks for clusters after a pause, unless that is to happen earlier anyway. */
  #askIn(ms: number) {
    const due = Date.now() + ms;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  #openLive(look: Look) {
    const open = this.#live;
    if (open?.property === look.property && holds(open.box, look.box) && area(open.box) < 40 * area(look.box)) return;
    this.#endLive();
    const box = grow(look.box, 0.5);
    const url = `/api/v1/live?property=${encodeURIComponent(look.property)}&bbox=${write(box)}`;
    const stop = follow(url, {
      event: (e) => this.#event(e),
      heard: () => this.#hear(),
      lost: () => this.#lose(),
      refused: () => this.#refuse(),
    });
    this.#live = { box, property: look.property, stop, told: false };
  }

  #lose() {
    this.link = 'lost';
    this.#askIn(newsPause); // the hub may answer, even where its stream broke off
  }

  /** Goes on by asking; a stream is tried again with the next answer. */
  #refuse() {
    this.#live = undefined;
    this.link = 'polling';
    this.#askIn(pollPause);
  }

  #endLive() {
    this.#live?.stop();
    this.#live = undefined;
    this.#known.clear();
  }

  #hear() {
    this.heard = Date.now();
    if (this.#live?.told) this.link = 'live';
  }

  #event(e: ServerEvent) {
    const told = newsIn(e.data);
    if (!told) return;
    if (e.name === 'snapshot') {
      this.#known.clear();
      if (this.#live) this.#live.told = true;
    }
    this.link = 'live';
    const alone = new Set(this.features.flatMap((f) => (isCluster(f) ? [] : [f.id])));
    let clustered = told.gone.some((id) => this.#known.delete(id));
    for (const f of told.features) {
      if (!newer(f, this.#known.get(f.id))) continue;
      this.#known.set(f.id, f);
      clustered ||= !alone.has(f.id);
    }
    this.#news.push(...told.features);
    if (clustered && e.name !== 'snapshot') this.#askIn(newsPause);
    this.#drawing ??= setTimeout(() => this.#draw(), drawPause);
  }

  /** Brings what is shown up to date. */
  #draw() {
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
    const look = this.#look;
    if (!look) return;
    this.features = this.features.map((f) => (isCluster(f) ? f : this.#newest(f)));
    if (this.#live?.told) { // until then the list stays as it was
      const inside = [...this.#known.values()].filter((f) => f.geometry && contains(look.box, f.geometry.coordinates));
      const alone = [...new Map(inside.map((f) => [f.properties.thing, f])).values()];
      this.stations = this.#order.sort(alone);
    }
    this.changed = this.#news;
    this.#news = [];
  }

  /** Takes some stations for the list of a window that is not followed. */
  async #fewest(look: Look) {
    try {
      const query = { property: look.property, bbox: write(look.box), limit: 200 };
      const found = (await dataOf(this.#client.GET('/api/v1/latest', { params: { query } }))) as unknown as Collection<StationFeature>;
      if (this.#look === look && this.link === 'polling') this.stations = this.#order.sort(found.features);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error; // the next asking tells
    }
  }
}

/** A map's zoom, with tiles of 512 pixels, as the API counts it, with tiles of 256. */
function tileZoom(zoom: number): number {
  return Math.max(0, Math.min(24, Math.floor(zoom) + 1));
}

/** What an event tells: stations as they are now, and ids of those that are no longer there. */
export interface News {
  features: StationFeature[];
  gone: number[];
}

/** The stations that an event tells of; undefined when it tells of something else. */
export function newsIn(data: string): News | undefined {
  try {
    const told = JSON.parse(data) as { features?: unknown; gone?: unknown } | null;
    if (!Array.isArray(told?.features)) return undefined;
    const features = (told.features as StationFeature[]).filter((f) => typeof f?.properties?.thing === 'string');
    return { features, gone: Array.isArray(told.gone) ? (told.gone as number[]) : [] };
  } catch {
    return undefined;
  }
}
