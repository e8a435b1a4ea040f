package ledger

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func sample(n int) []Record {
	records := make([]Record, n)
	for i := range records {
		records[i] = Record{Device: uint32(i%7 + 1), Seq: uint32(i/7 + 1), Time: 1_780_000_000_000_000_000 + int64(i)*1000, State: Acked}
		if i%11 == 0 {
			records[i].State = Unacked
		}
	}
	return records
}

func written(t *testing.T, records []Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	w, _, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(records...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRoundTrip(t *testing.T) {
	want := sample(1000)
	got, err := Read(written(t, want))
	if err != nil || got.Torn != 0 || !slices.Equal(got.Records, want) {
		t.Errorf("%d of %d records, %d torn bytes, %v", len(got.Records), len(want), got.Torn, err)
	}
}

// TestTornEnd cuts a ledger at every length, as a kill could.
func TestTornEnd(t *testing.T) {
	want := sample(4)
	path := written(t, want)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range whole {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		kept := max(0, size-len(magic)) / recordSize
		got, err := Read(path)
		if err != nil || !slices.Equal(got.Records, want[:kept]) {
			t.Fatalf("cut at %d: %d records, want %d; %v", size, len(got.Records), kept, err)
		}
		w, before, err := Open(path)
		if err != nil || len(before.Records) != kept {
			t.Fatalf("cut at %d: opened with %d records; %v", size, len(before.Records), err)
		}
		if err := w.Append(want[3]); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err = Read(path)
		if err != nil || got.Torn != 0 || len(got.Records) != kept+1 || got.Records[kept] != want[3] {
			t.Fatalf("cut at %d and appended: %+v; %v", size, got, err)
		}
	}
}

func TestGarbledEndIsTorn(t *testing.T) {
	path := written(t, sample(5))
	whole, _ := os.ReadFile(path)
	whole[len(whole)-10] ^= 1
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path); err != nil || len(got.Records) != 4 || got.Torn != recordSize {
		t.Errorf("%d records, %d torn bytes, %v", len(got.Records), got.Torn, err)
	}
}

func TestDamageBeforeTheEndIsAnError(t *testing.T) {
	path := written(t, sample(5))
	whole, _ := os.ReadFile(path)
	for _, at := range []int{0, len(magic) + 2*recordSize + 3} {
		bad := slices.Clone(whole)
		bad[at] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path); err == nil {
			t.Errorf("byte %d garbled: read %d records without an error", at, len(got.Records))
		}
		if _, _, err := Open(path); err == nil {
			t.Errorf("byte %d garbled: opened for appending", at)
		}
	}
}
