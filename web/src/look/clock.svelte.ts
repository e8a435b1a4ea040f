/** The present instant, in ms since 1970; it moves on every second, so that ages on the page do. */
export class Clock {
  now = $state(Date.now());

  constructor() {
    setInterval(() => (this.now = Date.now()), 1000);
  }
}
