// Package race keeps what the hub and its peers took for the same work, and
// writes it as one table. Several programs of tests may fill one: each adds to
// the file that CITYHUB_RACE names what those before it have measured.
package race

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
)

// Row is one measure. Peer and Ratio are 0 where there is nobody beside the hub.
type Row struct {
	What             string
	Hub, Peer, Ratio float64
	Goal             string // "" when it is only told
	Met              bool
	Others           float64 // share of the machine that other programs took meanwhile
}

// Report is what has been measured so far.
type Report struct {
	Rows  []Row
	Notes []string
}

// Add adds a row.
func (r *Report) Add(w Row) { r.Rows = append(r.Rows, w) }

// Note adds a line that stands above the table.
func (r *Report) Note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// End adds what earlier programs of this race have measured, tells all of it
// below a headline, and fails the test when it has missed a goal of its own.
func (r *Report) End(t testing.TB, headline string) {
	t.Helper()
	own := *r
	if file := os.Getenv("CITYHUB_RACE"); file != "" {
		if err := r.join(file); err != nil {
			t.Fatal(err)
		}
	}
	t.Log("\n" + headline + "\n" + r.String())
	if missed, goals := own.count(); missed > 0 {
		t.Errorf("FAIL: %d of %d goals are missed", missed, goals)
	}
}

// join puts what a file holds before the rows, and all of it into the file.
func (r *Report) join(file string) error {
	var before Report
	text, err := os.ReadFile(file)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &before)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.Rows, r.Notes = append(before.Rows, r.Rows...), append(before.Notes, r.Notes...)
	if text, err = json.Marshal(r); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func (r *Report) count() (missed, goals int) {
	for _, w := range r.Rows {
		if w.Goal == "" {
			continue
		}
		goals++
		if !w.Met {
			missed++
		}
	}
	return missed, goals
}

// String is the notes, the table, and what became of the goals.
func (r *Report) String() string {
	var out strings.Builder
	for _, note := range r.Notes {
		fmt.Fprintln(&out, note)
	}
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measure\thub\tpeer\tratio\tgoal\tverdict\tothers' CPU")
	for _, x := range r.Rows {
		verdict := ""
		if x.Goal != "" {
			verdict = map[bool]string{true: "PASS", false: "FAIL"}[x.Met]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.0f %%\n", x.What, figure(x.Hub), figure(x.Peer), figure(x.Ratio), x.Goal, verdict, 100*x.Others)
	}
	_ = w.Flush() // a strings.Builder takes everything
	missed, goals := r.count()
	fmt.Fprintf(&out, "%d of %d goals are met\n", goals-missed, goals)
	return out.String()
}

func figure(v float64) string {
	switch {
	case v == 0:
		return "–"
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
