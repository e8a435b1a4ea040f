/** Where the map looks: its middle and zoom. */
export interface View {
  lon: number;
  lat: number;
  zoom: number;
}

export type Range = 'day' | 'week';
export type Show = 'map' | 'list';

/** What a link names, as a query. */
export interface Place {
  property: string | undefined;
  view: View | undefined;
  station: string | undefined;
  range: Range;
  show: Show;
}

/** Reads a query; what it does not name, or names badly, is left out. */
export function readPlace(query: string): Place {
  const q = new URLSearchParams(query);
  const [lon, lat, zoom] = (q.get('at') ?? '').split(',').map(Number);
  const seen = [lon, lat, zoom].every((n) => n !== undefined && Number.isFinite(n)) && Math.abs(lat!) <= 85 && Math.abs(lon!) <= 180;
  return {
    property: q.get('property') ?? undefined,
    view: seen && zoom !== undefined ? { lon: lon!, lat: lat!, zoom: Math.min(22, Math.max(0, zoom)) } : undefined,
    station: q.get('station') ?? undefined,
    range: q.get('range') === 'week' ? 'week' : 'day',
    show: q.get('show') === 'list' ? 'list' : 'map',
  };
}

/** Writes a place as a query, "" for nothing in particular. */
export function writePlace(p: Place): string {
  const parts: string[] = [];
  if (p.property) parts.push(`property=${encodeURIComponent(p.property)}`);
  if (p.view) parts.push(`at=${p.view.lon.toFixed(5)},${p.view.lat.toFixed(5)},${p.view.zoom.toFixed(2)}`);
  if (p.station) parts.push(`station=${encodeURIComponent(p.station)}`);
  if (p.range !== 'day') parts.push(`range=${p.range}`);
  if (p.show !== 'map') parts.push(`show=${p.show}`);
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}

/** The address bar: what is looked at, kept in the page's address so that it can be sent on. */
export class Address {
  property = $state<string>();
  view = $state.raw<View>();
  station = $state<string>();
  range = $state<Range>('day');
  show = $state<Show>('map');
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
    this.#read();
    window.addEventListener('popstate', () => this.#read());
  }

  /** Opens a station, or none; the way back closes it again. */
  open(station: string | undefined) {
    if (station === this.station) return;
    this.station = station;
    this.#window.history.pushState(null, '', this.query || '/');
  }

  /** Keeps the address as what is looked at; call it after changes. */
  keep() {
    this.#window.history.replaceState(null, '', this.query || '/');
  }

  get query(): string {
    return writePlace(this);
  }

  #read() {
    Object.assign(this, readPlace(this.#window.location.search));
  }
}
