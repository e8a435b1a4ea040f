import { dataOf, troubleOf, type Client, type MapProperty, type Trouble } from '../client/client';

const emptyPause = 5_000; // while there is nothing to look at
const pause = 60_000; // a new kind of sensor may have come

/** The properties of which the hub has something to show; they are asked for again, as others come. */
export class Properties {
  /** undefined until the hub has answered. */
  all = $state.raw<MapProperty[]>();
  /** The city's time zone, as the hub names it. */
  timeZone = $state<string>();
  trouble = $state.raw<Trouble>();
  readonly #client: Client;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Asks now, and again from time to time until close; soon where there was nothing. */
  async ask() {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    let wait = pause;
    try {
      const { items, timeZone } = await dataOf(this.#client.GET('/api/v1/map/properties'));
      if (asked !== this.#asked) return; // asked again, or closed
      this.trouble = undefined;
      this.timeZone = timeZone;
      if (JSON.stringify(items) !== JSON.stringify(this.all)) this.all = items;
      if (items.length === 0) wait = emptyPause;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.trouble = troubleOf(error);
      wait = this.trouble.after ?? emptyPause;
    }
    this.#timer = setTimeout(() => void this.ask(), wait);
  }

  close() {
    this.#asked++;
    clearTimeout(this.#timer);
  }
}
