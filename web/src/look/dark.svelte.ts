/** Whether the system wishes for a dark look; follows it. */
export class Dark {
  on = $state(false);

  constructor(wish: MediaQueryList) {
    this.on = wish.matches;
    wish.addEventListener('change', () => (this.on = wish.matches));
  }
}
