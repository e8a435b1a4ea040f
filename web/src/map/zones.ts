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
  const { items } = await dataOf(client.GET('/api/v1/zones', { params: { query: { limit: 1000 } } }));
  const kind = items.some((z) => z.kind === 'ward') ? 'ward' : (items[0]?.kind ?? 'ward');
  const all = items.filter((z) => z.kind === kind);
  return { kind, all, box: around(all.flatMap((z) => (z.bbox?.length === 4 ? [z.bbox as Box] : []))) };
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
