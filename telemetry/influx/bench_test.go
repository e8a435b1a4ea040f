package influx

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"cityhub/telemetry"
)

const benchStart = int64(1_750_000_000_000_000_000) / 3600e9 * 3600e9

// batch is 5,000 messages of four channels from 1,000 stations, the next five
// minutes for every n.
func batch(n int64) []telemetry.Line {
	const stations = 1000
	lines := make([]telemetry.Line, 5000)
	for i := range lines {
		k := n*5000 + int64(i)
		lines[i] = telemetry.Line{Group: 1 + k%stations, Time: benchStart + k/stations*60e9 + k%stations, ID: 64 * k, Fields: []telemetry.Field{
			{Property: "pm25", Value: telemetry.NumberOf(float64(k%1000) / 10)}, {Property: "pm10", Value: telemetry.NumberOf(float64(k%700) / 10)},
			{Property: "noise", Value: telemetry.NumberOf(float64(k%60) + 40.5)}, {Property: "temperature", Value: telemetry.NumberOf(float64(k%300) / 10)}}}
	}
	return lines
}

func BenchmarkEncode(b *testing.B) {
	lines := batch(0)
	var into body
	var order ordering
	b.ReportAllocs()
	for b.Loop() {
		if err := into.encode(lines, order.bySeries(lines)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(into.lines)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/5000, "ns/line")
}

// BenchmarkWrite alternates, on one server, the archive's write and the bare
// post of the same bytes encoded beforehand, and reports the ratio of times.
func BenchmarkWrite(b *testing.B) {
	open := opener(b)
	a, bare := open(b), open(b)
	for _, archive := range []*Archive{a, bare} {
		if err := archive.Write(b.Context(), telemetry.Raw, batch(0)); err != nil {
			b.Fatal(err)
		}
	}
	target := bare.apiURL + "write?" + url.Values{"org": {bare.opts.Org}, "bucket": {bare.buckets[0]}, "precision": {"ns"}}.Encode()
	var ours, theirs stopwatch
	n := int64(1)
	for b.Loop() {
		lines := batch(n)
		var encoded body
		if err := encoded.encode(lines, new(ordering).bySeries(lines)); err != nil {
			b.Fatal(err)
		}
		n++
		first, second := func() { theirs.time(func() { post(b, bare, target, encoded.lines) }) },
			func() { ours.time(func() { write(b, a, lines) }) }
		if n%2 == 0 {
			first, second = second, first
		}
		first()
		second()
	}
	b.ReportMetric(ours.rate(), "lines/s")
	b.ReportMetric(theirs.rate(), "bare-lines/s")
	b.ReportMetric(100*ours.rate()/theirs.rate(), "%-of-bare")
}

func write(b *testing.B, a *Archive, lines []telemetry.Line) {
	if err := a.Write(b.Context(), telemetry.Raw, lines); err != nil {
		b.Fatal(err)
	}
}

func post(b *testing.B, a *Archive, target string, payload []byte) {
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, target, bytes.NewReader(payload))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+a.opts.Token)
	response, err := a.http.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		b.Fatal(response.Status)
	}
}

// BenchmarkRead has an hour of 10,000 stations, a line a minute.
func BenchmarkRead(b *testing.B) {
	const stations = 10_000
	a := opener(b)(b)
	some := make([]int64, 500)
	for i := range some {
		some[i] = int64(1 + i*20)
	}
	for minute := range int64(60) {
		lines := make([]telemetry.Line, stations)
		for i := range lines {
			lines[i] = telemetry.Line{Group: int64(i + 1), Time: benchStart + minute*60e9, ID: minute*1e7 + int64(i)*64, Fields: []telemetry.Field{
				{Property: "pm25", Value: telemetry.NumberOf(float64(i%1000) / 10)}, {Property: "noise", Value: telemetry.NumberOf(float64(i%60) + 0.5)}}}
		}
		write(b, a, lines)
	}
	hour := telemetry.Query{From: benchStart, To: benchStart + 3600e9}
	for name, change := range map[string]func(*telemetry.Query){
		"hour of all":           func(*telemetry.Query) {},
		"hour of all, one":      func(q *telemetry.Query) { q.Properties = []string{"pm25"} },
		"hour of one":           func(q *telemetry.Query) { q.Groups = []int64{77} },
		"two minutes of 500":    func(q *telemetry.Query) { q.Groups, q.From, q.To = some, q.From+600e9, q.From+720e9 },
		"a minute of all":       func(q *telemetry.Query) { q.From, q.To = q.From+600e9, q.From+660e9 },
		"first 20 lines of one": func(q *telemetry.Query) { q.Groups, q.Limit = []int64{77}, 20 },
	} {
		q := hour
		change(&q)
		b.Run(name, func(b *testing.B) {
			count(b, func(each func(*telemetry.Line) error) error { return a.Read(b.Context(), q, each) })
		})
	}
	b.Run("latest", func(b *testing.B) {
		count(b, func(each func(*telemetry.Line) error) error { return a.Latest(b.Context(), 0, each) })
	})
}

func count(b *testing.B, run func(func(*telemetry.Line) error) error) {
	lines := 0
	for b.Loop() {
		lines = 0
		if err := run(func(*telemetry.Line) error { lines++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(lines), "lines")
}

// BenchmarkParse is the reading side alone: rows of an answer into lines.
func BenchmarkParse(b *testing.B) {
	var answer bytes.Buffer
	const rows = 60
	for g := range 100 {
		for _, kind := range []string{"double", "long"} {
			fmt.Fprintf(&answer, "\r\n#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,%s,string,string,string\r\n"+
				",result,table,_start,_stop,_time,_value,_field,_measurement,g\r\n", kind)
			for i := range rows {
				fmt.Fprintf(&answer, ",_result,0,2025-06-15T14:00:00Z,2025-06-15T15:00:00Z,2025-06-15T14:%02d:00.000000123Z,%d,%s,observation,%d\r\n",
					i, i, map[string]string{"double": "pm25", "long": fieldID}[kind], 100+g)
			}
		}
	}
	b.SetBytes(int64(answer.Len()))
	b.ReportAllocs()
	for b.Loop() {
		in := newAnswer(bytes.NewReader(answer.Bytes()))
		var c cell
		var g group
		for in.next(&c) == nil {
			if g.name != string(c.group) {
				if err := g.begin(string(c.group)); err != nil {
					b.Fatal(err)
				}
			}
			if err := g.add(&c); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(100*2*rows), "ns/row")
}
