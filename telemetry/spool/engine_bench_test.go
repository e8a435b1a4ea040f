package spool

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// engine is what the trial of ADR 0002 asks of a durable queue.
type engine interface {
	append(record []byte) error // durable on return
	// read gives the record with a number counted from 0; only durable ones are
	// asked for, one after the other.
	read(number uint64) ([]byte, error)
	free(before uint64) error // all records below are delivered
	pending() (uint64, error) // records not delivered, as known after opening
	close() error
}

type engineKind struct {
	name string
	open func(dir string) (engine, error)
}

func engineKinds() []engineKind {
	return []engineKind{{"log", openLog}, {"pebble", openPebble}, {"sqlite", openSQLite}}
}

// BenchmarkEngine appends group commits one by one, each durable before the
// next, while a reader drains behind.
func BenchmarkEngine(b *testing.B) {
	for _, kind := range engineKinds() {
		b.Run(kind.name, func(b *testing.B) { benchCommit(b, kind) })
	}
}

func benchCommit(b *testing.B, kind engineKind) {
	e, err := kind.open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	records := benchRecords()
	took := make([]time.Duration, 0, b.N)
	durable := make(chan uint64, b.N)
	var reader sync.WaitGroup
	cpu := cpuTime()
	b.ResetTimer()
	reader.Go(func() { drainEngine(b, e, durable) })
	for i := range b.N {
		start := time.Now()
		if err := e.append(records[i%len(records)]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		durable <- uint64(i)
	}
	close(durable)
	reader.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/record")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	if err := e.close(); err != nil {
		b.Fatal(err)
	}
}

func drainEngine(b *testing.B, e engine, durable <-chan uint64) {
	for number := range durable {
		if _, err := e.read(number); err != nil {
			b.Errorf("record %d: %v", number, err)
			return
		}
		if number%100 == 99 {
			if err := e.free(number); err != nil {
				b.Error(err)
			}
		}
	}
}

// BenchmarkEngineOpen measures opening with a backlog, and what the backlog
// costs on disk and in memory. CITYHUB_BACKLOG_MIB sets its size.
func BenchmarkEngineOpen(b *testing.B) {
	mib := 256
	if text := os.Getenv("CITYHUB_BACKLOG_MIB"); text != "" {
		if _, err := fmt.Sscan(text, &mib); err != nil {
			b.Fatal(err)
		}
	}
	for _, kind := range engineKinds() {
		b.Run(kind.name, func(b *testing.B) { benchOpen(b, kind, mib) })
	}
}

func benchOpen(b *testing.B, kind engineKind, mib int) {
	dir := b.TempDir()
	count := fillEngine(b, kind, dir, mib)
	disk := float64(diskBytes(b, dir)) / float64(count*readingsPerRecord)
	base := heapBytes()
	b.ResetTimer()
	for range b.N {
		e, err := kind.open(dir)
		if err != nil {
			b.Fatal(err)
		}
		pending, err := e.pending()
		if err != nil || pending != uint64(count) {
			b.Fatalf("pending %d (%v), want %d", pending, err, count)
		}
		b.StopTimer()
		b.ReportMetric(float64(heapBytes()-base)/(1<<20), "heap-MiB")
		b.ReportMetric(disk, "disk-B/reading")
		if err := e.close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkEngineDamage flips one byte of a backlog of 200 records, and counts
// the engines that then do not open, the records that do not come back, and
// those that come back changed without a word.
func BenchmarkEngineDamage(b *testing.B) {
	for _, kind := range engineKinds() {
		b.Run(kind.name, func(b *testing.B) {
			dir := b.TempDir()
			count := fillEngine(b, kind, dir, 4)
			rng := rand.New(rand.NewPCG(3, 4))
			refused, lost, wrong := 0, 0, 0
			for range b.N {
				damaged := filepath.Join(b.TempDir(), "copy")
				if err := os.CopyFS(damaged, os.DirFS(dir)); err != nil {
					b.Fatal(err)
				}
				flipByte(b, damaged, rng)
				good, bad, err := readable(kind, damaged, count)
				if err != nil {
					refused++
				}
				lost, wrong = lost+count-good-bad, wrong+bad
			}
			b.ReportMetric(float64(refused)*100/float64(b.N), "refused-%")
			b.ReportMetric(float64(lost)/float64(b.N), "lost/flip")
			b.ReportMetric(float64(wrong)*100/float64(b.N), "wrong-%")
		})
	}
}

// flipByte changes one byte, any of the directory's with the same chance.
func flipByte(b *testing.B, dir string, rng *rand.Rand) {
	at := rng.Int64N(diskBytes(b, dir))
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		if at < int64(len(data)) {
			data[at] ^= 0x10
			if err := os.WriteFile(path, data, 0o600); err != nil {
				b.Fatal(err)
			}
			return
		}
		at -= int64(len(data))
	}
}

// readable counts the records that come back; an engine that does not open,
// also by panicking, gives none.
func readable(kind engineKind, dir string, count int) (good, bad int, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panicked: %v", fault)
		}
	}()
	e, err := kind.open(dir)
	if err != nil {
		return 0, 0, err
	}
	known := benchRecords()
	for i := range count {
		data, err := e.read(uint64(i))
		switch {
		case err != nil:
		case slices.ContainsFunc(known, func(r []byte) bool { return bytes.Equal(r, data) }):
			good++
		default:
			bad++
		}
	}
	return good, bad, e.close()
}

func fillEngine(b *testing.B, kind engineKind, dir string, mib int) int {
	e, err := kind.open(dir)
	if err != nil {
		b.Fatal(err)
	}
	records := benchRecords()
	bytes, count := 0, 0
	for ; bytes < mib<<20; count++ {
		record := records[count%len(records)]
		if err := e.append(record); err != nil {
			b.Fatal(err)
		}
		bytes += len(record)
	}
	if err := e.close(); err != nil {
		b.Fatal(err)
	}
	return count
}

func benchRecords() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	records := make([][]byte, 64)
	for i := range records {
		records[i] = cityBatch(r, readingsPerRecord)
	}
	return records
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func diskBytes(b *testing.B, dir string) (sum int64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return sum
}
