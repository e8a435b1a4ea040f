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
	"time"

	"cityhub/testbed"
)

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
