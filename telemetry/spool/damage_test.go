package spool

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// layout tells which bytes of which file hold record i.
type layout struct {
	file     string
	from, to int64
}

// base is a spool's files with what they hold.
type base struct {
	files   map[string][]byte
	records map[int]layout // not delivered
	from    int            // the first one not delivered
	to      int
}

const damageSegment = 12 << 10

func damageOptions(fs vfs.FS) Options {
	return Options{FS: fs, Dir: "spool", SegmentBytes: damageSegment}
}

// buildBase makes a spool of several segments, partly delivered and closed.
func buildBase(t testing.TB, count int) base {
	t.Helper()
	fs := vfs.NewMem()
	s := mustOpen(t, damageOptions(fs))
	for i := range count {
		mustAppend(t, s, i, i+1, 200+i*131%1_300)
	}
	b := base{records: map[int]layout{}, from: count / 5, to: count}
	for i, r := range drain(t, s, 0) {
		if i == b.from-1 {
			if err := s.Advance(r.Position); err != nil {
				t.Fatal(err)
			}
		}
		g, _, _ := s.segmentAt(r.Position)
		f, ok, err := frameBefore(s, &g, r.Position.offset())
		if !ok || err != nil {
			t.Fatalf("record %d has no frame: %v", i, err)
		}
		if i >= b.from {
			b.records[i] = layout{g.name(), f.at, f.end()}
		}
	}
	mustClose(t, s)
	b.files = readFiles(t, fs)
	return b
}

// frameBefore finds the frame that ends at off.
func frameBefore(s *Spool, g *segment, off int64) (f found, ok bool, err error) {
	err = s.reading(g, func(r source) error {
		for at := g.start; at < off; at = f.end() {
			if f, ok, err = r.find(g, at, tally{}); !ok || err != nil {
				return err
			}
		}
		return nil
	})
	return f, ok && f.end() == off, err
}

func readFiles(t testing.TB, fs *vfs.MemFS) map[string][]byte {
	t.Helper()
	names, err := fs.List("spool")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		data, err := fs.UnsafeGetFileDataBuffer("spool/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if name != "LOCK" {
			files[name] = slices.Clone(data)
		}
	}
	return files
}

func writeFiles(t testing.TB, files map[string][]byte) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("spool", 0o750); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		f, err := fs.Create("spool/"+name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(slices.Clone(data)); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	return fs
}

// mutation is one damage: the bytes [from, to) of a file are not what they were.
type mutation struct {
	kind     string
	file     string
	from, to int64
}

func (m mutation) String() string {
	return fmt.Sprintf("%s of %s [%d,%d)", m.kind, m.file, m.from, m.to)
}

// hits tells whether the damage may cost a record. Bytes cut out in front of
// the cursor move what follows to where everything is delivered already: a
// fault that no disk has, and the one that costs more than its span.
func (m mutation) hits(l, first layout) bool {
	if l.file != m.file {
		return false
	}
	cut := m.kind == "removed bytes" && l.file == first.file && l.from >= m.to && l.from-(m.to-m.from) < first.from
	return cut || m.from < l.to && m.to > l.from
}

// mutate damages one file at random.
func mutate(rng *rand.Rand, files map[string][]byte) mutation {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	name := names[rng.IntN(len(names))]
	data := files[name]
	if len(data) == 0 {
		return mutation{kind: "nothing", file: name}
	}
	a, b := rng.IntN(len(data)), rng.IntN(len(data))
	from, to := min(a, b), max(a, b)+1
	m := mutation{file: name, from: int64(from), to: int64(to)}
	switch rng.IntN(9) {
	case 0:
		m.kind, m.to = "flipped bit", m.from+1
		data[from] ^= 1 << rng.IntN(8)
	case 1:
		m.kind = "zeros"
		clear(data[from:to])
	case 2:
		m.kind, to = "noise", min(to, from+2_000)
		m.to = int64(to)
		for i := from; i < to; i++ {
			data[i] = byte(rng.Uint32())
		}
	case 3:
		m.kind, m.to = "truncation", int64(len(data))
		data = data[:from]
	case 4:
		m.kind, m.from, m.to = "appended noise", int64(len(data)), int64(len(data))
		data = append(data, record(rng.IntN(1000), 1+rng.IntN(9_000))...)
	case 5:
		m.kind, m.to = "inserted bytes", m.from+1
		data = slices.Insert(data, from, record(rng.IntN(1000), 1+rng.IntN(300))...)
	case 6:
		m.kind = "removed bytes"
		data = slices.Delete(data, from, to)
	case 7:
		m.kind = "copy of another part"
		copy(data[from:to], slices.Clone(data[rng.IntN(len(data)):]))
	case 8:
		m.kind, m.from, m.to = "deletion", 0, int64(len(data))
		delete(files, name)
		return m
	}
	files[name] = data
	return m
}

// TestDamagedFiles is promise R8: after one damage the spool starts, loses
// nothing but the records that the damage hit, and counts exactly those.
func TestDamagedFiles(t *testing.T) {
	b := buildBase(t, 90)
	for seed := range schedules(600, 4_000) {
		rng := rand.New(rand.NewPCG(seed, 8))
		files := map[string][]byte{}
		for name, data := range b.files {
			files[name] = slices.Clone(data)
		}
		m := mutate(rng, files)
		checkDamage(t, b, files, m, fmt.Sprintf("seed %d, %v", seed, m))
	}
}

func checkDamage(t *testing.T, b base, files map[string][]byte, m mutation, what string) {
	t.Helper()
	o := damageOptions(writeFiles(t, files))
	s := mustOpen(t, o)
	got := map[int]bool{}
	for _, i := range numbers(t, drain(t, s, s.Start())) {
		got[i] = true
	}
	lost, readings := 0, int64(0)
	for i, l := range b.records {
		if got[i] {
			continue
		}
		lost++
		readings += int64(readingsOf(i))
		if !m.hits(l, b.records[b.from]) {
			t.Fatalf("%s: record %d is lost, at %v", what, i, l)
		}
	}
	st := s.Stats()
	if m.file != cursorName && (st.SetAsideReadings != readings || st.Records != int64(len(b.records)-lost)) {
		t.Fatalf("%s: %d of %d records are lost with %d readings, stats %+v", what, lost, len(b.records), readings, st)
	}
	if lost > 0 && st.SetAside == 0 {
		t.Fatalf("%s: %d records are lost and nothing is set aside", what, lost)
	}
	mustAppend(t, s, b.to, b.to+5, 400)
	mustClose(t, s)
	checkAgain(t, o, len(got)+5, st, b.to, what)
}

// checkAgain opens the damaged spool once more: the same records come, and
// nothing is counted twice.
func checkAgain(t *testing.T, o Options, want int, before Stats, to int, what string) {
	t.Helper()
	s := mustOpen(t, o)
	defer mustClose(t, s)
	unique := map[int]bool{}
	records := drain(t, s, s.Start())
	for _, i := range numbers(t, records) {
		unique[i] = true
	}
	st := s.Stats()
	if len(unique) != want || st.SetAsideReadings != before.SetAsideReadings || st.SetAside != before.SetAside {
		t.Fatalf("%s: opened again, %d records, want %d; stats %+v, before %+v", what, len(unique), want, st, before)
	}
	last := records[len(records)-1]
	if numberOf(t, last) != to+4 {
		t.Fatalf("%s: the last record is %d", what, numberOf(t, last))
	}
	if err := s.Advance(last.Position); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	wantPending(t, s, 0, 0)
}

// TestMuchDamage damages several places at once: the spool starts, gives only
// what was appended, and takes new records.
func TestMuchDamage(t *testing.T) {
	b := buildBase(t, 60)
	for seed := range schedules(200, 2_000) {
		rng := rand.New(rand.NewPCG(seed, 9))
		files := map[string][]byte{}
		for name, data := range b.files {
			files[name] = slices.Clone(data)
		}
		for range 2 + rng.IntN(5) {
			if len(files) > 0 {
				mutate(rng, files)
			}
		}
		s := mustOpen(t, damageOptions(writeFiles(t, files)))
		numbers(t, drain(t, s, s.Start()))
		mustAppend(t, s, b.to, b.to+1, 400)
		got := numbers(t, drain(t, s, s.Start()))
		if len(got) == 0 || got[len(got)-1] != b.to {
			t.Fatalf("seed %d: the new record does not come: %v", seed, got)
		}
		mustClose(t, s)
	}
}

func TestDamagedBytesAreKeptBeside(t *testing.T) {
	b := buildBase(t, 40)
	hit := b.records[20]
	b.files[hit.file][hit.from+100] ^= 0x40
	fs := writeFiles(t, b.files)
	s := mustOpen(t, damageOptions(fs))
	defer mustClose(t, s)
	got := numbers(t, drain(t, s, s.Start()))
	if slices.Contains(got, 20) || len(got) != len(b.records)-1 {
		t.Fatalf("of %d records came %v", len(b.records), got)
	}
	names, err := fs.List("spool")
	if err != nil {
		t.Fatal(err)
	}
	name := names[slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "damaged-") })]
	kept, err := fs.UnsafeGetFileDataBuffer("spool/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if want := b.files[hit.file][hit.from:hit.to]; !slices.Equal(kept, want) {
		t.Fatalf("%s holds %d bytes, not the %d damaged ones", name, len(kept), len(want))
	}
	want := Stats{SetAside: 1, SetAsideBytes: hit.to - hit.from, SetAsideReadings: int64(readingsOf(20))}
	if st := s.Stats(); st.SetAside != want.SetAside || st.SetAsideBytes != want.SetAsideBytes || st.SetAsideReadings != want.SetAsideReadings {
		t.Fatalf("stats %+v, want %+v", st, want)
	}
}

// TestFramesInsideRecords puts whole frames of the spool's own format into
// records, as a hostile device might: behind damage none of them is taken for
// a record.
func TestFramesInsideRecords(t *testing.T) {
	fs := vfs.NewMem()
	o := damageOptions(fs)
	s := mustOpen(t, o)
	forged := appendFrame(nil, 0, frame{stored: 4, raw: 4, readings: 1, before: tally{1, 1}}, []byte("evil"))
	for range 3 {
		if err := s.Append(t.Context(), slices.Concat(record(0, 600), forged, record(1, 600)), 1); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s)
	files := readFiles(t, fs)
	for name := range files {
		if strings.HasSuffix(name, segmentSuffix) {
			files[name][segmentHeaderSize+1] ^= 1 // the first frame is damaged
		}
	}
	s = mustOpen(t, damageOptions(writeFiles(t, files)))
	defer mustClose(t, s)
	if got := drain(t, s, 0); len(got) != 2 || len(got[0].Data) < 1_200 {
		t.Fatalf("%d records came, the first of %d bytes", len(got), len(got[0].Data))
	}
}
