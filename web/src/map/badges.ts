import type { Theme } from './theme';

/** Draws the badges of marks that do not report: a clock for overdue, a question mark for unknown. */
export function badge(state: 'stale' | 'unknown', theme: Theme): ImageData {
  const size = 36; // for screens of up to two pixels a point
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const c = canvas.getContext('2d')!;
  c.lineWidth = 3;
  c.lineCap = 'round';
  c.strokeStyle = theme.edge;
  c.fillStyle = theme.paper;
  c.beginPath();
  c.arc(size / 2, size / 2, 14, 0, 2 * Math.PI);
  c.fill();
  c.stroke();
  c.beginPath();
  if (state === 'stale') {
    c.moveTo(18, 10);
    c.lineTo(18, 18);
    c.lineTo(23, 21);
    c.stroke();
  } else {
    c.fillStyle = theme.edge;
    c.font = '600 22px "Be Vietnam Pro", sans-serif';
    c.textAlign = 'center';
    c.textBaseline = 'middle';
    c.fillText('?', size / 2, size / 2 + 2);
  }
  return c.getImageData(0, 0, size, size);
}
