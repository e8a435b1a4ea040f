import { dataOf, type Client, type Zone } from '../client/client';
import { around, type Box } from '../stations/box';

/** The city's zones of one kind, which the map is made of. */
export interface Zones {
  kind: string;
  all: Zone[];
  box: Box | undefined; // around them
}

/** Reads the zones: wards, or whatever kind there is where the city has no wards. */
export async function readZones(client: Client): Promise<Zones> {
  const wards = await zonesOf(client, 'ward');
  const kind = wards.length > 0 ? 'ward' : ((await page(client, { limit: 1 })).items[0]?.kind ?? 'ward');
  const all = kind === 'ward' ? wards : await zonesOf(client, kind);
  return { kind, all, box: around(all.flatMap((z) => (z.bbox?.length === 4 ? [z.bbox as Box] : []))) };
}

async function zonesOf(client: Client, kind: string): Promise<Zone[]> {
  const all: Zone[] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await page(client, { kind, limit: 1000, ...(after ? { after } : {}) });
    all.push(...items);
    after = (next && new URL(next, window.location.origin).searchParams.get('after')) || undefined;
    if (!after) return all;
  }
}

function page(client: Client, query: { kind?: string; limit: number; after?: string }) {
  return dataOf(client.GET('/api/v1/zones', { params: { query } }));
}

/** The names of zones as points in the middle of them. */
export function namesOf(zones: readonly Zone[], language: 'vi' | 'en'): GeoJSON.FeatureCollection {
  const features = zones.flatMap((z): GeoJSON.Feature[] => {
    if (z.bbox?.length !== 4) return [];
    const [w, s, e, n] = z.bbox as Box;
    const name = (language === 'en' && z.nameEn) || z.name;
    return [{ type: 'Feature', geometry: { type: 'Point', coordinates: [(w + e) / 2, (s + n) / 2] }, properties: { name } }];
  });
  return { type: 'FeatureCollection', features };
}
