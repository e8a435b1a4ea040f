// Reads a vector tile with the decoder that MapLibre has, from standard input,
// and writes its layers as JSON: node web/tools/tile.mjs < tile.mvt
import { buffer } from 'node:stream/consumers';
import { VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';

const tile = new VectorTile(new PbfReader(await buffer(process.stdin)));
const layers = Object.values(tile.layers).map((layer) => ({
  name: layer.name,
  extent: layer.extent,
  version: layer.version,
  features: Array.from({ length: layer.length }, (_, i) => {
    const { id, type, properties } = layer.feature(i);
    return { id, type, properties, geometry: layer.feature(i).loadGeometry().map((ring) => ring.map(({ x, y }) => [x, y])) };
  }),
}));
process.stdout.write(JSON.stringify(layers));
