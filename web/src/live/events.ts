/** One event of a stream, as server-sent events have it. */
export interface ServerEvent {
  name: string;
  data: string;
  id: string | undefined;
}

/** Cuts text, which comes in pieces of any length, into server-sent events. */
export class EventReader {
  #rest = '';
  #name = '';
  #data: string[] = [];
  #id: string | undefined;

  /** Takes the next piece and gives the events that it ends. */
  read(piece: string): ServerEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (line !== '') {
        this.#take(line);
      } else if (this.#data.length > 0 || this.#name !== '') {
        events.push({ name: this.#name || 'message', data: this.#data.join('\n'), id: this.#id });
        this.#name = '';
        this.#data = [];
      }
    }
    return events;
  }

  #take(line: string) {
    const colon = line.indexOf(':');
    if (colon === 0) return; // a heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#id = value;
  }
}
