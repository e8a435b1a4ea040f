import { EventReader, type ServerEvent } from './events';

/** What a follower is told. */
export interface Listener {
  /** An event came. */
  event(event: ServerEvent): void;
  /** The hub was heard: an event, or a heartbeat between two. */
  heard(): void;
  /** The stream is gone; it is opened again by itself. */
  lost(): void;
  /** The hub will not open this stream, with the status that it gave. */
  refused(status: number): void;
}

const silence = 45_000; // three of the hub's heartbeats
const longestPause = 15_000;

/**
 * Follows a stream of the hub until the returned function is called: opens it again when it ends,
 * goes silent or fails, from the last event that was seen, with growing pauses.
 */
export function follow(url: string, listener: Listener): () => void {
  const stop = new AbortController();
  void (async () => {
    let last: string | undefined;
    for (let tries = 0; !stop.signal.aborted; tries++) {
      const outcome = await once(url, last, stop.signal, {
        ...listener,
        event: (e) => {
          tries = 0;
          last = e.id ?? last;
          listener.event(e);
        },
        heard: () => listener.heard(),
      });
      if (stop.signal.aborted) return;
      if (outcome.refused) return listener.refused(outcome.refused);
      listener.lost();
      await pause(outcome.after ?? Math.min(longestPause, 500 * 2 ** tries) * (0.75 + Math.random() / 2), stop.signal);
    }
  })();
  return () => stop.abort();
}

interface Outcome {
  after?: number; // ms, as the hub wishes
  refused?: number;
}

async function once(url: string, last: string | undefined, signal: AbortSignal, listener: Pick<Listener, 'event' | 'heard'>): Promise<Outcome> {
  const quiet = new AbortController();
  let watch = setTimeout(() => quiet.abort(), silence);
  try {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (last !== undefined) headers['Last-Event-ID'] = last;
    const answer = await fetch(url, { headers, signal: AbortSignal.any([signal, quiet.signal]), cache: 'no-store' });
    if (!answer.ok || !answer.body) return failure(answer);
    const reader = new EventReader();
    const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return {};
      clearTimeout(watch);
      watch = setTimeout(() => quiet.abort(), silence);
      listener.heard();
      for (const event of reader.read(value)) listener.event(event);
    }
  } catch {
    return {}; // the network's, or the silence: both are told as lost
  } finally {
    clearTimeout(watch);
  }
}

function failure(answer: Response): Outcome {
  const after = Number(answer.headers.get('Retry-After'));
  if (answer.status === 429 || answer.status >= 500) return after > 0 ? { after: after * 1000 } : {};
  return { refused: answer.status };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      done();
    });
  });
}
