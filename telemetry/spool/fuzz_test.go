package spool

import (
	"slices"
	"strings"
	"testing"
)

// FuzzSegment gives the spool a segment file of arbitrary bytes: it opens,
// every record it gives was framed by a writer of that segment, the reader
// ends, and a new record can be appended and read.
func FuzzSegment(f *testing.F) {
	g := segment{number: 7, salt: 0xc17fb}
	var whole []byte
	whole = g.appendHeader(whole)
	var t tally
	for i := range 4 {
		rec := record(i, 60+i*80)
		fr := frame{stored: len(rec), raw: len(rec), readings: readingsOf(i), before: t, place: int64(len(whole))}
		whole = appendFrame(whole, g.seed(), fr, rec)
		t = fr.after()
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-20])
	f.Add(whole[segmentHeaderSize:])
	f.Add(append(slices.Clone(whole), whole[segmentHeaderSize:]...))
	f.Add([]byte(strings.Repeat(frameMagic, 50)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		o := damageOptions(writeFiles(t, map[string][]byte{g.name(): data}))
		s := mustOpen(t, o)
		numbers(t, drain(t, s, 0))
		mustAppend(t, s, 99, 100, 50)
		records := drain(t, s, s.Start())
		if len(records) == 0 || numberOf(t, records[len(records)-1]) != 99 {
			t.Fatalf("the new record does not come behind %d others", len(records))
		}
		if err := s.Advance(records[len(records)-1].Position); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); st.Records != 0 || st.Readings != 0 {
			t.Fatalf("all is delivered, stats %+v", st)
		}
		mustClose(t, s)
	})
}

// FuzzFrame reads arbitrary bytes as a frame, and frames arbitrary bytes.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("a record"), 3)
	f.Add([]byte(strings.Repeat("pm25 12.3 ", 100)), 100)
	f.Add([]byte(frameMagic+strings.Repeat("\x00", 60)), 0)
	f.Fuzz(func(t *testing.T, data []byte, readings int) {
		if h, ok := parseFrame(data, 0); ok {
			h.open(data[frameHeaderSize:], 0)
		}
		readings &= 1<<31 - 1
		payload := compress(nil, data)
		want := frame{stored: len(payload), raw: len(data), readings: readings, before: tally{5, 9}, appended: -3, place: 64}
		b := appendFrame(nil, 77, want, payload)
		got, ok := parseFrame(b, 77)
		record, whole := got.open(b[frameHeaderSize:], 77)
		if !ok || !whole || !slices.Equal(record, data) || got.after() != (tally{6, 9 + int64(readings)}) {
			t.Fatalf("framed %d bytes, got %+v, %v, %v", len(data), got, ok, whole)
		}
		if _, ok := parseFrame(b, 78); ok {
			t.Fatal("a frame of another segment was taken")
		}
	})
}

// TestUnknownFilesAreLeftAlone keeps what the spool has not made.
func TestUnknownFilesAreLeftAlone(t *testing.T) {
	fs := writeFiles(t, map[string][]byte{"notes.txt": []byte("mine"), "1-2.spool": []byte("x"), "damaged-1.bin": nil})
	s := mustOpen(t, damageOptions(fs))
	mustAppend(t, s, 0, 3, 100)
	mustClose(t, s)
	names, err := fs.List("spool")
	if err != nil || len(names) != 3+3 { // and LOCK, cursor, one segment
		t.Fatalf("%v: %v", names, err)
	}
}
