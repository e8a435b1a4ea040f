// A Chromium whose every request is noted: nothing may leave the hub's own host.
import { chromium } from 'playwright-core';

const args = [
  '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-angle=swiftshader', '--enable-unsafe-swiftshader', // WebGL without a graphics card
];

/** Opens the browser; every page of it is noted in requests and troubles. */
export async function openBrowser(base, program) {
  const browser = await chromium.launch({ executablePath: program, args });
  const noted = { requests: [], troubles: [] };
  const open = async (options = {}) => {
    const context = await browser.newContext({ baseURL: base, locale: 'vi-VN', viewport: { width: 1280, height: 800 }, ...options });
    context.on('request', (r) => noted.requests.push(r.url()));
    const page = await context.newPage();
    page.on('pageerror', (e) => noted.troubles.push(e.stack ?? String(e)));
    page.on('console', (m) => {
      // Who has not signed in is told so by a 401, which the browser notes; a station that may not be seen is a 404.
      const told = m.text().includes('401') || (m.text().includes('404') && /\/(things|datastreams)\/\d+\/(latest|observations)/.test(m.location().url));
      if (m.type() === 'error' && !told) noted.troubles.push(m.text());
    });
    return page;
  };
  return { open, noted, close: () => browser.close() };
}

/** Waits until the map of a page is there. */
export async function mapReady(page) {
  await page.waitForSelector('[data-ready]', { timeout: 30_000 });
}

/** The marks that a page's map draws: what they say of themselves, and where they are on the screen. */
export function marksOf(page) {
  return page.evaluate(() => {
    const element = document.querySelector('[data-ready]');
    const map = element?.map;
    if (!map) return [];
    const box = element.getBoundingClientRect();
    return map.queryRenderedFeatures({ layers: ['stations', 'clusters'] }).map((f) => {
      const at = map.project(f.geometry.coordinates);
      return { ...f.properties, x: Math.round(box.x + at.x), y: Math.round(box.y + at.y) };
    });
  });
}

/** Waits until the marks of a page hold; fails after a time, with what they were. Gives the ms that it took. */
export async function until(page, holds, within) {
  const begin = Date.now();
  for (;;) {
    const marks = await marksOf(page);
    if (holds(marks)) return Date.now() - begin;
    if (Date.now() - begin > within) throw new Error(`not within ${within} ms: ${holds}\n${JSON.stringify(marks)}`);
    await page.waitForTimeout(25);
  }
}

/** The middle one of some durations, in ms. */
export async function median(times, once) {
  const took = [];
  for (let i = 0; i < times; i++) took.push(await once(i));
  return took.sort((a, b) => a - b)[Math.floor(times / 2)];
}

/** The colour of one pixel of the page, as #rrggbb. */
export async function pixel(page, x, y) {
  const png = await page.screenshot({ clip: { x, y, width: 1, height: 1 } });
  return page.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    const c = canvas.getContext('2d');
    c.drawImage(image, 0, 0);
    return `#${[...c.getImageData(0, 0, 1, 1).data].slice(0, 3).map((n) => n.toString(16).padStart(2, '0')).join('')}`;
  }, png.toString('base64'));
}

/** Waits until one pixel of the page has a colour: a mark's data is there before the frame that draws it. */
export async function untilPixel(page, x, y, colour, within = 15_000) {
  const begin = Date.now();
  for (;;) {
    const seen = await pixel(page, x, y);
    if (seen === colour) return;
    if (Date.now() - begin > within) throw new Error(`not within ${within} ms: ${colour} at ${x},${y}, which is ${seen}`);
    await page.waitForTimeout(50);
  }
}
