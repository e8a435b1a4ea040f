package api_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
	"cityhub/telemetry"
)

// crowd registers so many stations with a value each.
func (h *hub) crowd(n int) {
	h.t.Helper()
	h.city()
	rows := make([]devices.Row, n)
	for i := range rows {
		rows[i] = devices.Row{Device: fmt.Sprintf("c%d", i), Model: "air", Station: fmt.Sprintf("c%d", i),
			StationName: fmt.Sprintf("Trạm %d", i), Lon: fmt.Sprint(105 + float64(i%100)/100), Lat: fmt.Sprint(20.5 + float64(i/100)/100)}
	}
	_, errs := h.registry.ImportRows(h.t.Context(), rows)
	for _, err := range errs {
		check(h.t, err)
	}
	now := time.Now()
	lines := make([]telemetry.Line, n)
	for i := range lines {
		target := must(h.registry.Resolve(fmt.Sprintf("c%d", i), now.Add(time.Hour)))(h.t)
		lines[i] = telemetry.Line{Group: target.Series.ID, Time: now.UnixNano(), Received: now.UnixNano(),
			Fields: []telemetry.Field{{Property: "pm25", Value: telemetry.NumberOf(float64(i%500) + 0.25)}}}
	}
	h.latest.Tell(lines)
}

// BenchmarkLatest asks for the newest values of 10,000 stations over HTTP.
func BenchmarkLatest(b *testing.B) {
	h := newHub(b)
	h.crowd(10_000)
	for _, c := range []struct{ name, query, encoding string }{
		{"all", "", ""}, {"gzip", "", "gzip"}, {"window", "&bbox=105.2,20.6,105.4,20.8", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := must(http.NewRequest(http.MethodGet, h.url+"/api/v1/latest?property=pm25"+c.query, nil))(b)
				r.Header.Set("Authorization", "Bearer "+h.key)
				r.Header.Set("Accept-Encoding", c.encoding)
				resp := must(h.client.Do(r))(b)
				n := must(io.Copy(io.Discard, resp.Body))(b)
				check(b, resp.Body.Close())
				b.SetBytes(n)
			}
		})
	}
}

// BenchmarkTell is what the live stream costs the way of a reading, with 100
// open streams.
func BenchmarkTell(b *testing.B) {
	h := newHub(b)
	h.crowd(1_000)
	for range 100 {
		s := h.live("property=pm25&bbox=105,20,106,22")
		go func() {
			for s.lines.Scan() && !strings.HasPrefix(s.lines.Text(), "never") {
				continue
			}
		}()
	}
	var lines []telemetry.Line
	for _, v := range h.latest.Of("pm25") {
		lines = append(lines, telemetry.Line{Group: v.Group, Time: v.Time, Fields: []telemetry.Field{{Property: "pm25", Value: v.Value}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		h.server.Tell(lines)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(lines)), "ns/line")
}
