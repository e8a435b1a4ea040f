package archivetest

import (
	"math"
	"testing"

	"cityhub/geo"
	"cityhub/telemetry"
)

func keepsValues(t *testing.T, a telemetry.Archive) {
	want := []telemetry.Line{
		lineOf(1, start, number("pm25", 12.3), number("noise", -4)),
		lineOf(1, start+1, telemetry.Field{Property: "door", Value: telemetry.BooleanOf(true)}),
		lineOf(1, start+2, telemetry.Field{Property: "door", Value: telemetry.BooleanOf(false)}),
		lineOf(2, start, text("state", "open"), number("level", 0),
			telemetry.Field{Property: "door", Value: telemetry.BooleanOf(true)}),
		lineOf(-3, start, number("pm25", 1)),
		lineOf(math.MaxInt64, start, number("pm25", 2)),
		lineOf(math.MinInt64, start, number("pm25", 3)),
	}
	write(t, a, telemetry.Raw, want...)
	same(t, readAll(t, a), want)
}

func keepsFloats(t *testing.T, a telemetry.Archive) {
	values := []float64{
		0, 1, -1, 0.1, 1.0 / 3, 12.3, 1e21, 1e-7, -273.15, 1 << 53, 1<<53 + 2, 1 << 62, -1 << 63,
		math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi, math.Float64frombits(0x3ff0000000000001),
	}
	var want []telemetry.Line
	for i, v := range values {
		want = append(want, lineOf(1, start+int64(i), number("v", v)))
	}
	write(t, a, telemetry.Raw, want...)
	same(t, readAll(t, a), want)
}

func keepsText(t *testing.T, a telemetry.Archive) {
	values := []string{
		"", " ", "open", "mở cửa 水位", `say "open"`, `back\slash`, `trailing\`, `\"`, `\\`, `\n`,
		"two\nlines", "carriage\rreturn", "dos\r\nline", "\n", "\r", "\r\r\n\n", "tab\tbed", "a,b c=d", "#group,datatype",
		",result,table", "'", "\x00", "\x1b", "\x1br\r", "\x1b[31m", "é\u2028", " led", "trail ", "=1+1", "true", "12", "\ufeffbom",
	}
	var want []telemetry.Line
	for i, v := range values {
		want = append(want, lineOf(1, start+int64(i), text("state", v), text("other", v)))
	}
	write(t, a, telemetry.Raw, want...)
	same(t, readAll(t, a), want)
}

func keepsCircumstances(t *testing.T, a telemetry.Archive) {
	full := lineOf(1, start, number("pm25", 500), number("noise", 3), text("state", "x"))
	full.ID = 1<<53 - 1
	full.Quality = telemetry.Late | telemetry.Maintenance
	full.Received = start + 90*Minute + 7
	full.Position = &geo.Position{Lon: 106.7009, Lat: 10.7769, Alt: 12.5}
	full.Fields[0].Quality = telemetry.OutOfRange | telemetry.Stuck
	full.Fields[2].Quality = telemetry.Corrected
	punctual := lineOf(1, start+1, number("pm25", 5))
	punctual.ID = 64
	punctual.Received = start + 2 // kept only of late lines
	punctual.Quality = telemetry.ClockCorrected | telemetry.Uncalibrated
	null := lineOf(2, start, number("pm25", 5))
	null.Position = &geo.Position{}
	place := lineOf(3, start)
	place.Position = &geo.Position{Lon: -180, Lat: -90}
	want := []telemetry.Line{full, punctual, null, place}
	write(t, a, telemetry.Raw, want...)
	want[1].Received = 0
	same(t, readAll(t, a), want)
}

func keepsPropertyCodes(t *testing.T, a telemetry.Archive) {
	line := lineOf(1, start)
	for i, code := range []string{"g", "time", "q", "id", "observation", "result", "table", "pm25", "pm25_count", "x_hub_q", "value"} {
		line.Fields = append(line.Fields, number(code, float64(i)))
	}
	line.Fields[1].Quality = telemetry.Stuck
	write(t, a, telemetry.Raw, line)
	same(t, readAll(t, a), []telemetry.Line{line})
	one := lineOf(1, start, line.Fields[1])
	same(t, read(t, a, telemetry.Query{Properties: []string{"time"}, From: start, To: start + 1}), []telemetry.Line{one})
}

func keepsRollUps(t *testing.T, a telemetry.Archive) {
	for _, bucket := range []telemetry.Bucket{telemetry.Hourly, telemetry.Daily} {
		want := []telemetry.Line{
			lineOf(7, start, number("pm25_count", 60), number("pm25_min", 1.5), number("pm25_max", 80),
				number("pm25_sum", 901.25), number("pm25_first", 3), number("pm25_last", 4)),
			lineOf(7, start+60*Minute, number("pm25_count", 59), text("state_last", "open")),
		}
		write(t, a, bucket, want...)
		again := lineOf(7, start, number("pm25_count", 61))
		write(t, a, bucket, again)
		want[0].Fields[0].Value.Num = 61
		same(t, read(t, a, telemetry.Query{Bucket: bucket, From: start, To: start + 120*Minute}), want)
		counts := telemetry.Query{Bucket: bucket, Properties: []string{"pm25_count"}, From: start, To: start + 120*Minute}
		same(t, read(t, a, counts), []telemetry.Line{
			lineOf(7, start, number("pm25_count", 61)), lineOf(7, start+60*Minute, number("pm25_count", 59))})
	}
}

func bucketsApart(t *testing.T, a telemetry.Archive) {
	buckets := []telemetry.Bucket{telemetry.Raw, telemetry.Hourly, telemetry.Daily}
	for i, bucket := range buckets {
		write(t, a, bucket, lineOf(1, start, number("v", float64(i))))
	}
	for i, bucket := range buckets {
		got := read(t, a, telemetry.Query{Bucket: bucket, From: start, To: start + 1})
		same(t, got, []telemetry.Line{lineOf(1, start, number("v", float64(i)))})
	}
}
