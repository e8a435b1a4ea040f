import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the hub's content policy lets no font come from a data: address
    target: 'es2023',
    chunkSizeWarningLimit: 1500,
  },
  worker: { format: 'es' },
  // `npm run dev` shows the pages of this folder with the data of a running hub.
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/page': 'http://127.0.0.1:8080', '/sign-in': 'http://127.0.0.1:8080' } },
  test: { include: ['src/**/*.test.ts'] },
});
