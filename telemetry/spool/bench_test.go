package spool

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"
)

// BenchmarkAppend commits records of several sizes to the disk, one by one.
func BenchmarkAppend(b *testing.B) {
	records := benchRecords()
	for _, readings := range []int{10, 50, 200} {
		b.Run(fmt.Sprintf("%d-readings", readings), func(b *testing.B) {
			s := mustOpen(b, Options{Dir: b.TempDir()})
			cpu := cpuTime()
			for i := 0; b.Loop(); i++ {
				r := records[i%len(records)]
				if err := s.Append(b.Context(), r[:len(r)*readings/readingsPerRecord], readings); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N*readings), "cpu-ns/reading")
			b.ReportMetric(float64(s.Stats().Bytes)/float64(b.N*readings), "disk-B/reading")
			mustClose(b, s)
		})
	}
}

// BenchmarkAppendCPU appends to memory: what the spool itself costs without
// the system's writes.
func BenchmarkAppendCPU(b *testing.B) {
	s := mustOpen(b, Options{FS: vfs.NewMem(), Dir: "spool", MaxBytes: 64 << 20})
	records := benchRecords()
	b.ReportAllocs()
	b.SetBytes(int64(len(records[0])))
	for i := 0; b.Loop(); i++ {
		if err := s.Append(b.Context(), records[i%len(records)], readingsPerRecord); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 {
			s.mu.Lock()
			end := position(s.segments[len(s.segments)-1].number, s.segments[len(s.segments)-1].size)
			s.mu.Unlock()
			if err := s.Advance(end); err != nil {
				b.Fatal(err)
			}
		}
	}
	mustClose(b, s)
}

// BenchmarkNext drains a backlog of 64 MiB again and again.
func BenchmarkNext(b *testing.B) {
	s := mustOpen(b, Options{Dir: b.TempDir()})
	records := benchRecords()
	for i := range (64 << 20) / len(records[0]) {
		if err := s.Append(b.Context(), records[i%len(records)], readingsPerRecord); err != nil {
			b.Fatal(err)
		}
	}
	end := s.Stats().Records
	b.ReportAllocs()
	b.SetBytes(int64(len(records[0])))
	var after Position
	for i := int64(0); b.Loop(); i++ {
		if i%end == 0 {
			after = 0
		}
		r, err := s.Next(b.Context(), after)
		if err != nil {
			b.Fatal(err)
		}
		after = r.Position
	}
	mustClose(b, s)
}

// BenchmarkScan reads the last segment as opening does.
func BenchmarkScan(b *testing.B) {
	s := mustOpen(b, Options{Dir: b.TempDir()})
	records := benchRecords()
	for i := 0; s.Stats().Bytes < 60<<20; i++ {
		if err := s.Append(b.Context(), records[i%len(records)], readingsPerRecord); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(s.Stats().Bytes)
	for b.Loop() {
		if end, _ := s.scan(0); end != s.end {
			b.Fatalf("scanned %v of %v", end, s.end)
		}
	}
	mustClose(b, s)
}

// BenchmarkCompression compares what a record costs to make smaller.
func BenchmarkCompression(b *testing.B) {
	records := benchRecords()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	defer encoder.Close()
	for name, shrink := range map[string]func(scratch, r []byte) []byte{
		"s2":   compress,
		"zstd": func(scratch, r []byte) []byte { return encoder.EncodeAll(r, scratch[:0]) },
	} {
		b.Run(name, func(b *testing.B) {
			var scratch []byte
			cpu := cpuTime()
			for i := 0; b.Loop(); i++ {
				scratch = shrink(scratch, records[i%len(records)])
			}
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N*readingsPerRecord), "cpu-ns/reading")
			b.ReportMetric(float64(len(scratch))/readingsPerRecord, "B/reading")
			b.ReportMetric(float64(len(records[0]))/readingsPerRecord, "raw-B/reading")
		})
	}
}
