package archivetest

import (
	"testing"

	"cityhub/geo"
	"cityhub/telemetry"
)

// readsPlaces asks for where groups were, with whatever else a line has.
func readsPlaces(t *testing.T, a telemetry.Archive) {
	var lines, want []telemetry.Line
	for group := range int64(3) {
		for i := range int64(20) {
			l := lineOf(group, start+i*Minute, number("pm25", float64(i)), text("line", "09A"))
			l.ID = 1 + i
			if i%4 == 0 { // flags without a position come between
				l.Quality = telemetry.Maintenance
			} else if group != 1 {
				l.Position = &geo.Position{Lon: 105.8 + float64(i)/1000, Lat: 21, Alt: float64(i % 3)}
				if i%5 == 0 {
					l.Quality = telemetry.Misplaced
				}
			}
			lines = append(lines, l)
			if l.Position != nil {
				l.Fields = nil
				want = append(want, l)
			}
		}
	}
	bare := lineOf(2, start+30*Minute)
	bare.Position = &geo.Position{}
	lines, want = append(lines, bare), append(want, bare)
	write(t, a, telemetry.Raw, shuffled(lines)...)

	q := telemetry.Query{Places: true, From: start, To: start + 60*Minute}
	got := read(t, a, q)
	inOrder(t, got)
	same(t, got, want)
	q.Groups = []int64{2, 1}
	same(t, read(t, a, q), want[15:])
	q.Limit = 4
	same(t, read(t, a, q), want[15:19])
	q.Groups = nil
	same(t, read(t, a, q), append(append([]telemetry.Line{}, want[:4]...), want[15:19]...))
	q.Limit, q.From, q.To = 0, start+2*Minute, start+4*Minute
	same(t, read(t, a, q), append(append([]telemetry.Line{}, want[1:3]...), want[16:18]...))
	q.Bucket = telemetry.Hourly
	same(t, read(t, a, q), nil)
}
