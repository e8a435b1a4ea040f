package api

import (
	"bytes"
	"encoding/csv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cityhub/api/citymap"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/statistics"
)

// ZoneStatistics is the answer with what readings tell of zones.
type ZoneStatistics struct {
	Property   string          `json:"property"`
	Unit       string          `json:"unit"`
	Kind       string          `json:"kind"`
	Boundaries string          `json:"boundaries" doc:"The day whose boundaries cut the city, or then"`
	Weight     string          `json:"weight"`
	From       time.Time       `json:"from"`
	To         time.Time       `json:"to" doc:"The first instant that does not count"`
	Items      []ZoneStatistic `json:"items" nullable:"false" doc:"By zone, in the order of codes, and time"`
}

// ZoneStatistic is one zone over one window. Without readings count is 0 and
// what was asked for is null; what was not asked for is absent.
type ZoneStatistic struct {
	Zone     int64     `json:"zone"`
	Code     string    `json:"code"`
	Name     string    `json:"name"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Count    int64     `json:"count" doc:"Readings"`
	Stations int       `json:"stations" doc:"Stations with a reading"`
	Mean     *float64  `json:"mean,omitempty" nullable:"true"`
	Min      *float64  `json:"min,omitempty" nullable:"true"`
	Max      *float64  `json:"max,omitempty" nullable:"true"`
	Sum      *float64  `json:"sum,omitempty" nullable:"true"`
}

const zoneStatisticsExample = `{"property":"pm25","unit":"µg/m³","kind":"ward","boundaries":"2025-06-30","weight":"reading",
"from":"2026-01-31T17:00:00Z","to":"2026-02-28T17:00:00Z","items":[
{"zone":1,"code":"00004","name":"Ba Đình","from":"2026-01-31T17:00:00Z","to":"2026-02-28T17:00:00Z","count":40320,"stations":10,"mean":41.25,"min":3,"max":212.5},
{"zone":2,"code":"00008","name":"Ngọc Hà","from":"2026-01-31T17:00:00Z","to":"2026-02-28T17:00:00Z","count":0,"stations":0,"mean":null,"min":null,"max":null}]}`

// zoneTable is the answer before it has a form.
type zoneTable struct {
	question *zoneQuestion
	cells    [][]statistics.Cell
	zone     *time.Location
}

func (s *Server) zoneTable(q *zoneQuestion, cells [][]statistics.Cell) *zoneTable {
	return &zoneTable{q, cells, s.o.Zone}
}

// each calls do for every row. By the boundaries of then, a zone has rows for
// the windows in which it had a boundary.
func (t *zoneTable) each(do func(row *zoneRow, window *telemetry.Window, cell *statistics.Cell)) {
	for i := range t.question.rows {
		row := &t.question.rows[i]
		for j := range t.question.Windows {
			window := &t.question.Windows[j]
			if !t.question.then || row.bounded(geo.DayOf(window.From.In(t.zone)), geo.DayOf(window.To.Add(-1).In(t.zone))) {
				do(row, window, &t.cells[i][j])
			}
		}
	}
}

// bounded says whether the zone had a boundary on any of some days.
func (r *zoneRow) bounded(first, last geo.Day) bool {
	return slices.ContainsFunc(r.shapes, func(s *geo.Shape) bool { return s.From <= last && (s.To == 0 || first < s.To) })
}

// value is what a function makes of a cell; not a number without readings.
func (t *zoneTable) value(fn string, c *statistics.Cell) float64 {
	switch {
	case c.Count == 0:
		return math.NaN()
	case fn == "min":
		return c.Min
	case fn == "max":
		return c.Max
	case fn == "sum":
		return c.Sum
	case t.question.asked.Weight == "station":
		return c.StationMean()
	}
	return c.Mean()
}

// functions are those of the question that are not told anyway, each once.
func (t *zoneTable) functions() []string {
	var fns []string
	for _, fn := range t.question.fns {
		if fn != "count" && !slices.Contains(fns, fn) {
			fns = append(fns, fn)
		}
	}
	return fns
}

func (t *zoneTable) boundaries() string {
	if t.question.then {
		return "then"
	}
	return t.question.Day.String()
}

func (t *zoneTable) json() []byte {
	q, fns := t.question, t.functions()
	b := append([]byte(nil), `{"property":`...)
	b = citymap.AppendText(b, q.property.Code)
	b = append(b, `,"unit":`...)
	b = citymap.AppendText(b, q.property.Unit)
	b = append(b, `,"kind":`...)
	b = citymap.AppendText(b, q.Kind)
	b = append(b, `,"boundaries":"`+t.boundaries()+`","weight":"`+q.asked.Weight+`"`...)
	b = appendSpan(b, time.Unix(0, q.From), time.Unix(0, q.To))
	b = append(b, `,"items":[`...)
	first := true
	t.each(func(row *zoneRow, window *telemetry.Window, cell *statistics.Cell) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `{"zone":`...)
		b = strconv.AppendInt(b, row.zone.ID, 10)
		b = append(b, `,"code":`...)
		b = citymap.AppendText(b, row.zone.Code)
		b = append(b, `,"name":`...)
		b = citymap.AppendText(b, row.zone.Name)
		b = appendSpan(b, window.From, window.To)
		b = append(b, `,"count":`...)
		b = strconv.AppendInt(b, cell.Count, 10)
		b = append(b, `,"stations":`...)
		b = strconv.AppendInt(b, int64(cell.Stations), 10)
		for _, fn := range fns {
			b = append(b, `,"`+fn+`":`...)
			b = citymap.AppendValue(b, telemetry.NumberOf(t.value(fn, cell)))
		}
		b = append(b, '}')
	})
	return append(b, "]}\n"...)
}

// appendSpan writes the members from and to.
func appendSpan(b []byte, from, to time.Time) []byte {
	b = append(b, `,"from":"`...)
	b = from.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","to":"`...)
	b = to.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func (t *zoneTable) csv() []byte {
	var out bytes.Buffer
	fns := t.functions()
	w := csv.NewWriter(&out) // a buffer takes everything
	_ = w.Write(append([]string{"zone", "code", "name", "from", "to", "count", "stations"}, fns...))
	t.each(func(row *zoneRow, window *telemetry.Window, cell *statistics.Cell) {
		record := []string{strconv.FormatInt(row.zone.ID, 10), row.zone.Code, guarded(row.zone.Name),
			window.From.UTC().Format(time.RFC3339Nano), window.To.UTC().Format(time.RFC3339Nano),
			strconv.FormatInt(cell.Count, 10), strconv.Itoa(cell.Stations)}
		for _, fn := range fns {
			text := ""
			if v := t.value(fn, cell); !math.IsNaN(v) && !math.IsInf(v, 0) {
				text = string(citymap.AppendValue(nil, telemetry.NumberOf(v)))
			}
			record = append(record, text)
		}
		_ = w.Write(record)
	})
	w.Flush()
	return out.Bytes()
}

// guarded keeps a spreadsheet program from calculating a text.
func guarded(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
