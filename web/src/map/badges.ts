import type { Theme } from './theme';

/** The badges that marks may carry. */
export const badges = ['stale', 'unknown', 'alarm'] as const;

/** Draws a badge: a clock for overdue, a question mark for unknown, an exclamation mark for an alarm. */
export function badge(look: (typeof badges)[number], theme: Theme): ImageData {
  const size = 36; // for screens of up to two pixels a point
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const c = canvas.getContext('2d')!;
  c.lineWidth = 3;
  c.lineCap = 'round';
  c.strokeStyle = look === 'alarm' ? theme.alarm : theme.edge;
  c.fillStyle = theme.paper;
  c.beginPath();
  if (look === 'alarm') {
    c.moveTo(18, 4);
    c.lineTo(33, 31);
    c.lineTo(3, 31);
    c.closePath();
  } else {
    c.arc(size / 2, size / 2, 14, 0, 2 * Math.PI);
  }
  c.fill();
  c.stroke();
  c.beginPath();
  if (look === 'stale') {
    c.moveTo(18, 10);
    c.lineTo(18, 18);
    c.lineTo(23, 21);
    c.stroke();
  } else {
    c.fillStyle = c.strokeStyle;
    c.font = '600 22px "Be Vietnam Pro", sans-serif';
    c.textAlign = 'center';
    c.textBaseline = 'middle';
    c.fillText(look === 'alarm' ? '!' : '?', size / 2, size / 2 + (look === 'alarm' ? 5 : 2));
  }
  return c.getImageData(0, 0, size, size);
}
