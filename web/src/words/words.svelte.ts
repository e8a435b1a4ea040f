import { en } from './en';
import { vi } from './vi';

/** What every language has to say; a key that is missing in one does not compile. */
export type Catalogue = typeof vi;
export type Language = 'vi' | 'en';

const kept = 'cityhub.language';

/** The texts in the language that somebody chose, and numbers, times and ages as that language writes them. */
export class Words {
  language = $state<Language>('vi');
  readonly t = $derived<Catalogue>(this.language === 'vi' ? vi : en);
  readonly #numbers = $derived(new Intl.NumberFormat(this.language, { maximumSignificantDigits: 4 }));
  readonly #counts = $derived(new Intl.NumberFormat(this.language));
  readonly #instants = $derived(new Intl.DateTimeFormat(this.language, { dateStyle: 'short', timeStyle: 'short' }));

  constructor(asked: string | null, memory: Storage, browser: readonly string[]) {
    this.language = pick(asked ?? memory.getItem(kept), browser);
    if (asked === this.language) memory.setItem(kept, asked);
  }

  choose(language: Language, memory: Storage) {
    this.language = language;
    memory.setItem(kept, language);
  }

  number(value: number): string {
    return this.#numbers.format(value);
  }

  count(value: number): string {
    return this.#counts.format(value);
  }

  instant(at: Date): string {
    return this.#instants.format(at);
  }

  /** A reading as people write it, with its unit. */
  value(value: number | boolean | string | null | undefined, unit: string): string {
    if (value === null || value === undefined) return '–';
    if (typeof value === 'boolean') return value ? this.t.yes : this.t.no;
    if (typeof value === 'string') return value;
    return unit === '' || unit === '1' ? this.number(value) : `${this.number(value)} ${unit}`;
  }

  property(code: string, name: string): string {
    return this.t.properties[code] ?? name;
  }

  age(milliseconds: number): string {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    const say = this.t.age;
    if (seconds < 10) return say.now;
    if (seconds < 100) return say.seconds(seconds);
    if (seconds < 100 * 60) return say.minutes(Math.round(seconds / 60));
    if (seconds < 48 * 3600) return say.hours(Math.round(seconds / 3600));
    return say.days(Math.round(seconds / 86400));
  }
}

/** The language asked for, else the first of the browser's that is known, else Vietnamese. */
export function pick(asked: string | null, browser: readonly string[]): Language {
  for (const one of [asked, ...browser]) {
    const short = one?.slice(0, 2).toLowerCase();
    if (short === 'vi' || short === 'en') return short;
  }
  return 'vi';
}
