package spool

import (
	"context"
	"database/sql"
	"encoding/binary"
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

	"github.com/cockroachdb/pebble/v2"
	_ "modernc.org/sqlite"
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

// logEngine is this package.
type logEngine struct {
	*Spool
	after Position
}

func openLog(dir string) (engine, error) {
	s, err := Open(Options{Dir: dir})
	return &logEngine{Spool: s}, err
}

func (e *logEngine) append(record []byte) error {
	return e.Append(context.Background(), record, readingsPerRecord)
}

func (e *logEngine) read(uint64) ([]byte, error) {
	r, err := e.Next(context.Background(), e.after)
	e.after = r.Position
	return r.Data, err
}

func (e *logEngine) free(uint64) error        { return e.Advance(e.after) }
func (e *logEngine) pending() (uint64, error) { return uint64(e.Stats().Records), nil }
func (e *logEngine) close() error             { return e.Close() }

// pebbleEngine keeps each record under its number.
type pebbleEngine struct {
	db   *pebble.DB
	next uint64
}

func openPebble(dir string) (engine, error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: quietLogger{}})
	if err != nil {
		return nil, err
	}
	return &pebbleEngine{db: db}, nil
}

type quietLogger struct{}

func (quietLogger) Infof(string, ...any)           {}
func (quietLogger) Errorf(string, ...any)          {}
func (quietLogger) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func key(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

func (e *pebbleEngine) append(record []byte) error {
	e.next++
	return e.db.Set(key(e.next-1), record, pebble.Sync)
}

func (e *pebbleEngine) read(number uint64) ([]byte, error) {
	data, closer, err := e.db.Get(key(number))
	if err != nil {
		return nil, err
	}
	return slices.Clone(data), closer.Close()
}

func (e *pebbleEngine) free(before uint64) error {
	return e.db.DeleteRange(key(0), key(before), pebble.NoSync)
}

func (e *pebbleEngine) pending() (uint64, error) {
	it, err := e.db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.First() {
		return 0, it.Error()
	}
	first := binary.BigEndian.Uint64(it.Key())
	it.Last()
	return binary.BigEndian.Uint64(it.Key()) - first + 1, it.Error()
}

func (e *pebbleEngine) close() error { return e.db.Close() }

// sqliteEngine keeps each record as a row.
type sqliteEngine struct{ db *sql.DB }

func openSQLite(dir string) (engine, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "spool.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("CREATE TABLE IF NOT EXISTS record (number INTEGER PRIMARY KEY, readings INTEGER, data BLOB)")
	return &sqliteEngine{db}, err
}

func (e *sqliteEngine) append(record []byte) error {
	_, err := e.db.Exec("INSERT INTO record (number, readings, data) VALUES ((SELECT coalesce(max(number), -1) + 1 FROM record), ?, ?)",
		readingsPerRecord, record)
	return err
}

func (e *sqliteEngine) read(number uint64) (data []byte, err error) {
	err = e.db.QueryRow("SELECT data FROM record WHERE number = ?", int64(number)).Scan(&data)
	return data, err
}

func (e *sqliteEngine) free(before uint64) error {
	_, err := e.db.Exec("DELETE FROM record WHERE number < ?", int64(before))
	return err
}

func (e *sqliteEngine) pending() (n uint64, err error) {
	err = e.db.QueryRow("SELECT coalesce(max(number) - min(number) + 1, 0) FROM record").Scan(&n)
	return n, err
}

func (e *sqliteEngine) close() error { return e.db.Close() }
