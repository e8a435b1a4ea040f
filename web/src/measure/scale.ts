/**
 * A scale gives values colours: class i holds what lies below breaks[i], the last class the rest.
 * All ramps grow in darkness alone as well as in hue, so they can be told apart with any kind of
 * colour blindness and in print; the one with a middle grows darker to both sides.
 */
export interface Scale {
  breaks: number[];
  colours: string[]; // one more than breaks
}

const heat = ['#ffe9a8', '#fdb863', '#ec7a3c', '#c2353b', '#6d1450'];
const water = ['#d9eef0', '#9bd0d6', '#4fa3c4', '#2b6ba8', '#223a78'];
const both = ['#2c5aa0', '#8dbbdc', '#f3efd9', '#f2a65a', '#b4312c'];
const drain = heat.toReversed();

const known: Record<string, [ramp: string[], ...breaks: number[]]> = {
  pm25: [heat, 25, 50, 80, 150], // as Viet Nam's air quality index has it, by the hour
  pm1: [heat, 25, 50, 80, 150],
  pm10: [heat, 50, 150, 250, 350],
  no2: [heat, 100, 200, 700, 1200],
  o3: [heat, 160, 200, 300, 400],
  so2: [heat, 125, 350, 550, 800],
  co: [heat, 10, 30, 45, 60],
  co2: [heat, 800, 1000, 1400, 2000],
  temperature: [both, 12, 20, 28, 35],
  humidity: [water, 30, 50, 70, 85],
  laeq: [heat, 45, 55, 70, 85],
  lamax: [heat, 55, 70, 85, 100],
  rain_rate: [water, 0.5, 4, 16, 50],
  rain_hour: [water, 0.5, 4, 16, 50],
  battery: [drain, 10, 25, 50, 75],
  fill: [heat, 25, 50, 75, 90],
  occupancy: [heat, 25, 50, 75, 90],
  spaces_free: [drain, 1, 5, 20, 50],
};

/** The scale of a property; one that is not known is cut evenly between the values that are there. */
export function scaleOf(property: string, kind: string, low: number, high: number): Scale {
  if (kind === 'boolean') return { breaks: [0.5], colours: [water[0]!, water[3]!] };
  if (kind === 'text') return { breaks: [], colours: [water[1]!] };
  const found = known[property];
  if (found) {
    const [ramp, ...breaks] = found;
    return { breaks, colours: ramp };
  }
  return { breaks: even(low, high), colours: water };
}

/** Four round numbers that cut a span into five. */
export function even(low: number, high: number): number[] {
  if (!(high > low)) return [low];
  const step = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(step));
  const round = [1, 2, 2.5, 5, 10].map((n) => n * unit).find((n) => n >= step * 0.99)!;
  const first = Math.ceil((low + round * 0.5) / round) * round;
  return [0, 1, 2, 3].map((i) => Number((first + i * round).toPrecision(12)));
}

export function classOf(scale: Scale, value: number): number {
  const at = scale.breaks.findIndex((end) => value < end);
  return at < 0 ? scale.breaks.length : at;
}

/** The number by which a value is coloured; undefined where it has none. */
export function numeric(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : undefined;
}

export const colourless = '#b9c0c6';

export function colourOf(scale: Scale, value: unknown): string {
  const n = numeric(value);
  return n === undefined ? colourless : (scale.colours[Math.min(classOf(scale, n), scale.colours.length - 1)] ?? colourless);
}

/** Black or white, whichever can be read better on a colour. */
export function inkOn(colour: string): string {
  return luminance(colour) > 0.179 ? '#10171d' : '#ffffff';
}

/** Relative luminance of #rrggbb, as WCAG defines it. */
export function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(colour.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
