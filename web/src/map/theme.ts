/** The map's own colours; stations and shades have those of their scale. */
export interface Theme {
  outside: string; // where no zone is
  land: string;
  border: string;
  name: string;
  halo: string;
  edge: string; // around marks
  paper: string; // inside marks that are overdue
  pointed: string;
  alarm: string;
}

export function themeOf(dark: boolean): Theme {
  return dark
    ? { outside: '#0c1216', land: '#1c262d', border: '#4d5b66', name: '#c3ccd4', halo: '#10171d', edge: '#f2f5f7', paper: '#10171d', pointed: '#8cc4ff', alarm: '#ff9d94' }
    : { outside: '#e4e8ea', land: '#f7f7f4', border: '#a9b3ba', name: '#46525c', halo: '#ffffff', edge: '#16202a', paper: '#ffffff', pointed: '#0b57a4', alarm: '#a3120a' };
}
