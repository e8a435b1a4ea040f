import type { StationFeature } from '../measure/feature';

const names = new Intl.Collator('vi', { numeric: true });

/** Sorts stations by name, and no more often than they or their names change: values change all the time. */
export class ByName {
  #last: readonly StationFeature[] = [];

  sort(features: readonly StationFeature[]): StationFeature[] {
    const fresh = new Map(features.map((f) => [f.id, f]));
    const known = this.#last.length === fresh.size && this.#last.every((f) => fresh.get(f.id)?.properties.name === f.properties.name);
    const sorted = known ? this.#last.map((f) => fresh.get(f.id)!) : [...fresh.values()].sort((a, b) => names.compare(a.properties.name, b.properties.name));
    this.#last = sorted;
    return sorted;
  }
}
