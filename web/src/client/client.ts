import createClient, { type Client as Typed } from 'openapi-fetch';
import type { components, paths } from './schema';

export type Client = Typed<paths>;
export type Session = components['schemas']['Session'];
export type MapProperty = components['schemas']['MapProperty'];
export type NewestValue = components['schemas']['NewestValue'];
export type Observation = components['schemas']['Observation'];
export type Aggregate = components['schemas']['Aggregate'];
export type ZoneStatistics = components['schemas']['ZoneStatistics'];
export type Zone = components['schemas']['Zone'];
export type Thing = components['schemas']['Thing'];

/** What the hub says went wrong: the status, 0 where it did not answer, and its own words. */
export class Trouble extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The hub's few words in the page's language, '' where it has none. */
    readonly title = '',
    /** After how many ms it may be asked again, where it says so. */
    readonly after?: number,
  ) {
    super(message);
  }
}

/** A client of the hub that served this page. language names the language of its answers. */
export function connect(language: () => string): Client {
  const client = createClient<paths>({ baseUrl: window.location.origin });
  client.use({
    onRequest({ request }) {
      request.headers.set('Accept-Language', language());
      return request;
    },
  });
  return client;
}

/** The data of an answer; throws Trouble where there is none. */
export async function dataOf<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer;
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw troubleOf(cause);
  }
  if (answer.response.ok) return answer.data as T;
  const problem = answer.error as { title?: string; detail?: string } | undefined;
  const after = Number(answer.response.headers.get('Retry-After'));
  const { title = '', detail = '' } = problem ?? {};
  throw new Trouble(answer.response.status, `${title}: ${detail}`, title, after > 0 ? after * 1000 : undefined);
}

/** Any error as trouble: what is none of the hub's is that it did not answer. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof Trouble ? error : new Trouble(0, String(error));
}

/** Whether an error is only that nobody wants the answer any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
