package statistics

import (
	"context"
	"math"
	"sort"
	"time"

	"cityhub/geo"
	"cityhub/telemetry"
)

// ZoneQuery asks what a property's readings tell of zones.
type ZoneQuery struct {
	Span
	Windows []telemetry.Window // ascending and without gaps from Span.From to Span.To
	Finest  telemetry.Bucket   // Hourly or Daily: the coarsest roll-up of which no window cuts one
	Need    telemetry.Need     // NeedSum and NeedBounds, as the cells are to have them
	Kind    string
	Zones   []int64 // whose rows are wanted
	Shapes  *geo.Shapes
	Day     geo.Day // whose boundaries cut the city; 0: each reading's own
}

// Cell is what readings tell of one zone in one window. Without readings it is
// zero.
type Cell struct {
	telemetry.Summary
	Stations int     // with a reading
	means    float64 // of the stations' means, their sum
}

// StationMean is the mean of the stations' means; not a number when there are
// none.
func (c *Cell) StationMean() float64 { return c.means / float64(c.Stations) }

// Zones gives the cells, zone by zone in the order of the query, window by
// window.
func Zones(ctx context.Context, history *telemetry.History, q *ZoneQuery) ([][]Cell, error) {
	z := newZoning(history, q)
	r := reading{history: history, span: &q.Span, coarsest: q.Finest, need: q.Need, take: z.take, chunk: z.fold}
	return z.cells, r.run(ctx)
}

// zoning sorts pieces into cells.
type zoning struct {
	query   *ZoneQuery
	zone    *time.Location
	rows    map[int64]int32 // zone → row
	cells   [][]Cell
	windows ruler
	days    ruler
	known   place

	// The stations of a chunk; the order of arrival makes sums come out the
	// same every time.
	shares []share
	index  map[shareKey]int32
}

// place remembers in which row the last piece was.
type place struct {
	source int
	at     *geo.Position
	day    geo.Day
	row    int32
}

type shareKey struct {
	thing       int64
	row, window int32
}

// share is what one station adds to one cell.
type share struct {
	key   shareKey
	count int64
	sum   float64
}

func newZoning(history *telemetry.History, q *ZoneQuery) *zoning {
	z := &zoning{query: q, zone: history.Zone, rows: map[int64]int32{}, cells: make([][]Cell, len(q.Zones)),
		index: map[shareKey]int32{}, known: place{source: -1}}
	for i, id := range q.Zones {
		z.rows[id] = int32(i)
		z.cells[i] = make([]Cell, len(q.Windows))
	}
	for i := range q.Windows {
		z.windows.starts = append(z.windows.starts, q.Windows[i].From.UnixNano())
	}
	if q.Day == 0 {
		for day := history.DayBegin(q.From); day < q.To; day = history.DayAfter(day) {
			z.days.starts = append(z.days.starts, day)
		}
	}
	return z
}

func (z *zoning) take(p *piece) {
	row := z.row(p)
	if row < 0 {
		return
	}
	window := z.windows.of(p.Time)
	z.cells[row][window].Join(&p.Summary)
	key := shareKey{z.query.Sources[p.source].Station.ID, row, int32(window)}
	at, known := z.index[key]
	if !known {
		at = int32(len(z.shares))
		z.index[key] = at
		z.shares = append(z.shares, share{key: key})
	}
	z.shares[at].count += p.Count
	z.shares[at].sum += p.Sum
}

// row is the row in which a piece counts; negative for none.
func (z *zoning) row(p *piece) int32 {
	if p.at == nil {
		return unknownRow
	}
	day := z.query.Day
	if day == 0 {
		day = geo.DayOf(time.Unix(0, z.days.starts[z.days.of(p.Time)]).In(z.zone))
	}
	if z.known.source == p.source && z.known.at == p.at && z.known.day == day && p.Position == nil {
		return z.known.row
	}
	row := unknownRow
	if shape := z.query.Shapes.Of(z.query.Kind, *p.at, day); shape != nil {
		if known, wanted := z.rows[shape.Zone]; wanted {
			row = known
		}
	}
	z.known = place{p.source, p.at, day, row}
	return row
}

// fold adds the stations of a chunk to their cells.
func (z *zoning) fold() {
	for _, s := range z.shares {
		c := &z.cells[s.key.row][s.key.window]
		c.Stations++
		c.means += s.sum / float64(s.count)
	}
	z.shares = z.shares[:0]
	clear(z.index)
}

// ruler finds the span that an instant lies in, by the spans' ascending
// begins. Neighbours are asked for one after another.
type ruler struct {
	starts []int64
	at     int
}

// of is the index of the last begin that is not later than t, at least 0.
func (r *ruler) of(t int64) int {
	end := int64(math.MaxInt64)
	if r.at+1 < len(r.starts) {
		end = r.starts[r.at+1]
	}
	if t < r.starts[r.at] || t >= end {
		r.at = max(0, sort.Search(len(r.starts), func(i int) bool { return r.starts[i] > t })-1)
	}
	return r.at
}
