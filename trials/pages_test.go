package trials

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cityhub/testbed"
)

const pagesPassword = "mot hai ba bon nam"

// pagesStations are devices in the middle of Hanoi: one that stands alone, two
// that stand close together, one that has been quiet, and one that is not
// published.
const pagesStations = `device,model,station,station_name,lon,lat,organisation,from
alone,air-station,alone,Trạm lẻ,105.80,21.05,HN,2025-07-01T00:00:00Z
pair-1,air-station,pair-1,Trạm đôi 1,105.8801,20.9601,HN,2025-07-01T00:00:00Z
pair-2,air-station,pair-2,Trạm đôi 2,105.8806,20.9603,HN,2025-07-01T00:00:00Z
old,air-station,old,Trạm cũ,105.60,21.20,HN,2025-07-01T00:00:00Z
hidden,air-station,hidden,Trạm kín,105.60,20.90,X,2025-07-01T00:00:00Z
`

// The pages in a real browser. Each test of web/e2e is one here.
func TestPages(t *testing.T) {
	chromium := testbed.Chromium(t)
	testbed.WebPackages(t, "../web")
	h := startHub(t, t.TempDir(), nil)
	h.fillPages()
	node := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", "e2e/pages.e2e.mjs")
	node.Dir = "../web"
	node.Env = append(os.Environ(), "HUB=http://"+h.http, "MQTT="+h.mqt, "CHROMIUM="+chromium, "PASSWORD="+pagesPassword)
	eachPage(t, node, 10)
}

// eachPage runs a script of web/e2e and makes a test of each of its tests, of
// which there are so many at least.
func eachPage(t *testing.T, node *exec.Cmd, least int) {
	t.Helper()
	out, err := node.CombinedOutput()
	seen := eachTAP(t, out)
	if err != nil && !t.Failed() {
		t.Fatalf("node: %v\n%s", err, out)
	}
	if seen < least {
		t.Fatalf("only %d tests ran:\n%s", seen, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "stations on the map after") || strings.Contains(line, "the mark changed after") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// fillPages gives the hub Hanoi's wards, the stations and a reading of each.
func (h *hub) fillPages() {
	h.t.Helper()
	file := filepath.Join(h.t.TempDir(), "stations.csv")
	if err := os.WriteFile(file, []byte(pagesStations), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.mustTool("cityhub", "import", "zones", "../examples/hanoi/wards.geojson", "--kind", "ward", "--valid-from", "2025-07-01")
	h.mustTool("cityhub", "import", "devices", file)
	h.mustTool("cityhub", "publish", "--as", "public", "--organisation", "HN")
	answer, err := h.ask(h.t.Context(), http.MethodPost, "/users", []byte(`{"name":"lan","password":"`+pagesPassword+`","roles":[{"role":"operator"}]}`))
	if err != nil || answer.StatusCode != http.StatusCreated {
		h.t.Fatalf("POST /users: %v %v", answer, err)
	}
	answer.Body.Close()
	now := time.Now().UTC()
	for device, reading := range map[string]struct {
		at    time.Time
		value string
	}{"alone": {now, "20"}, "pair-1": {now, "80"}, "pair-2": {now, "100"}, "old": {now.Add(-2 * time.Hour), "40"}, "hidden": {now, "10"}} {
		publishAs(h, device, `{"time":"`+reading.at.Format(time.RFC3339)+`","values":{"pm25":`+reading.value+`}}`)
	}
	h.drained(20 * time.Second)
}

func publishAs(h *hub, device, payload string) {
	h.t.Helper()
	as(h.t, h.mqt, device, "mosquitto_pub", telemetryOf(device), payload, "-s")
}

var tapLine = regexp.MustCompile(`^(not ok|ok) \d+ - (.*?)\s*$`)

// eachTAP makes a test of each that node's runner tells of, and counts them.
func eachTAP(t *testing.T, out []byte) int {
	t.Helper()
	seen, name, failed := 0, "", false
	var detail strings.Builder
	finish := func() {
		if name == "" {
			return
		}
		seen++
		said, bad := detail.String(), failed
		t.Run(name, func(t *testing.T) {
			if bad {
				t.Error(said)
			}
		})
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if m := tapLine.FindStringSubmatch(lines.Text()); m != nil {
			finish()
			name, failed = m[2], m[1] == "not ok"
			detail.Reset()
			continue
		}
		if failed {
			detail.WriteString(lines.Text() + "\n")
		}
	}
	finish()
	return seen
}
