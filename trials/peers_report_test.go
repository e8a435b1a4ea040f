//go:build peers

package trials

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"cityhub/testbed"
)

// row is one measure; peer and ratio are 0 where there is nobody beside the hub.
type row struct {
	what             string
	hub, peer, ratio float64
	goal             string // "" when it is only told
	met              bool
	others           float64 // share of the machine that other programs took meanwhile
}

// report is what a run has measured.
type report struct {
	rows  []row
	notes []string
}

func (r *report) add(w row) { r.rows = append(r.rows, w) }

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (r *report) goals() (n int) {
	for _, w := range r.rows {
		if w.goal != "" {
			n++
		}
	}
	return n
}

func (r *report) missed() (n int) {
	for _, w := range r.rows {
		if w.goal != "" && !w.met {
			n++
		}
	}
	return n
}

// String is the table.
func (r *report) String() string {
	var out strings.Builder
	for _, note := range r.notes {
		fmt.Fprintln(&out, note)
	}
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measure\thub\tpeer\tratio\tgoal\tverdict\tothers' CPU")
	for _, x := range r.rows {
		verdict := ""
		if x.goal != "" {
			verdict = map[bool]string{true: "PASS", false: "FAIL"}[x.met]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.0f %%\n", x.what, figure(x.hub), figure(x.peer), figure(x.ratio), x.goal, verdict, 100*x.others)
	}
	_ = w.Flush() // a strings.Builder takes everything
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
	return fmt.Sprintf("%.2f", v)
}

// median of a figure over rounds.
func median[T any](rounds []T, of func(T) float64) float64 {
	var all []float64
	for _, r := range rounds {
		all = append(all, of(r))
	}
	return quantile(all, 0.5)
}

// quantile sorts all; 0 of none.
func quantile(all []float64, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

// machine says where and with what was measured.
func machine(t *testing.T, telegraf string) string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	model := regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`).FindSubmatch(info)
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil || model == nil {
		t.Fatal("the machine does not say what it is: ", err)
	}
	said := func(program string, args ...string) string {
		out, _ := exec.Command(program, args...).CombinedOutput() // mosquitto -h ends with 1
		first, _, _ := strings.Cut(string(out), "\n")
		return strings.TrimSpace(first)
	}
	return fmt.Sprintf("%s, %s × %d, %s, load %s\n%s; InfluxDB %s; %s", time.Now().Format(time.DateOnly), model[1], runtime.NumCPU(), runtime.Version(),
		strings.TrimSpace(string(load)), said("mosquitto", "-h"), testbed.InfluxVersion, said(telegraf, "version"))
}
