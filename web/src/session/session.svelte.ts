import { dataOf, Trouble, type Client, type Session } from '../client/client';

/** Who has signed in. */
export class Visitor {
  session = $state.raw<Session>();
  known = $state(false); // whether the hub has been asked
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Asks the hub who this is; nobody is no error, and an answer that fails changes nothing. */
  async ask() {
    try {
      this.session = await dataOf(this.#client.GET('/api/v1/session'));
    } catch (error) {
      if (!(error instanceof Trouble) || error.status !== 401) throw error;
      this.session = undefined;
    }
    this.known = true;
  }

  /** Asks again, where something else was refused to this session; who cannot be told is asked for at the next refusal. */
  async recheck() {
    try {
      await this.ask();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
    }
  }

  /** Ends the session; one that is over already has ended, too. */
  async leave() {
    const headers = { 'X-CSRF-Token': this.session?.csrf ?? '' };
    try {
      await dataOf(this.#client.DELETE('/api/v1/session', { headers }));
    } catch (error) {
      if (!(error instanceof Trouble) || error.status !== 401) throw error;
    }
    this.session = undefined;
  }
}

/** The sign-in page, which comes back to where somebody was. */
export function signInAddress(language: string, query: string): string {
  return `/sign-in?lang=${language}#/${query}`;
}
