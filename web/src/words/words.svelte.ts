import { en } from './en';
import { vi, type Catalogue } from './vi';

export type Language = 'vi' | 'en';

const kept = 'cityhub.language';

/** The texts in the language that somebody chose, and numbers, times and ages as that language writes them. */
export class Words {
  language = $state<Language>('vi');
  readonly t = $derived<Catalogue>(this.language === 'vi' ? vi : en);
  /** The city's time zone, in which every time is written; the browser's until the hub has told it. */
  zone = $state<string>();
  readonly #counts = $derived(new Intl.NumberFormat(this.language));
  readonly #parts = $derived(new Intl.NumberFormat(this.language, { maximumSignificantDigits: 3 }));
  readonly #decimals = $derived([0, 1, 2, 3, 4, 5, 6].map((n) => new Intl.NumberFormat(this.language, { minimumFractionDigits: n, maximumFractionDigits: n })));
  readonly #rounded = $derived([0, 1, 2].map((n) => new Intl.NumberFormat(this.language, { maximumFractionDigits: n })));
  readonly #instants = $derived(this.times({ dateStyle: 'short', timeStyle: 'short' }));

  constructor(asked: string | null, memory: Storage, browser: readonly string[]) {
    this.language = pick(asked ?? memory.getItem(kept), browser);
    if (asked === this.language) memory.setItem(kept, asked);
  }

  choose(language: Language, memory: Storage) {
    this.language = language;
    memory.setItem(kept, language);
  }

  /** A measured number: its whole part as it is, and what stands behind the point as far as it matters beside that. */
  number(value: number): string {
    const size = Math.abs(value);
    if (size > 0 && size < 1) return this.#parts.format(value);
    return this.#rounded[size >= 10_000 ? 0 : size >= 100 ? 1 : 2]!.format(value);
  }

  /** A number with so many digits behind the point. */
  decimal(value: number, digits: number): string {
    return this.#decimals[Math.min(digits, this.#decimals.length - 1)]!.format(value);
  }

  count(value: number): string {
    return this.#counts.format(value);
  }

  instant(at: Date): string {
    return this.#instants.format(at);
  }

  /** How times are written, in the city's time zone. */
  times(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    return new Intl.DateTimeFormat(this.language, { ...options, timeZone: this.zone });
  }

  /** What the city's time zone is called at an instant, such as GMT+7. */
  zoneName(at: Date): string {
    const parts = this.times({ timeZoneName: 'shortOffset' }).formatToParts(at);
    return parts.find((p) => p.type === 'timeZoneName')?.value ?? '';
  }

  /** What went wrong, for people. The hub's titles are in their language, its details are for programmers. */
  trouble(t: { status: number; title: string }): string {
    if (t.status === 0) return this.t.unreachable;
    if (t.status === 429) return this.t.busy;
    return t.title ? `${this.t.failed}: ${t.title}` : this.t.failed;
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

/** A time zone as the browser knows it; undefined, which is the browser's own, for a name that it does not know. */
export function knownZone(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
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
