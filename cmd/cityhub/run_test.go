package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	bridge "cityhub/broker-bridge"
	"cityhub/database"
	"cityhub/devices"
	"cityhub/testbed"
)

func TestExitCodes(t *testing.T) {
	held := t.TempDir()
	release, err := database.LockDir(held)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for name, c := range map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"the version":            {[]string{"version"}, 0, "cityhub " + version, ""},
		"help":                   {[]string{"--help"}, 0, "serve", ""},
		"nothing to do":          {nil, 1, "", "cityhub"},
		"an unknown command":     {[]string{"fly"}, 1, "", "fly"},
		"an unknown flag":        {[]string{"serve", "--fly"}, 1, "", "--fly"},
		"settings that are fine": {[]string{"config", "check"}, 0, "fine", ""},
		"settings that are not":  {[]string{"config", "check", "--time-zone", "x"}, 1, "", "--time-zone"},
		"another hub's folder":   {[]string{"serve", "--data", held, "--http", "127.0.0.1:0", "--ops", "127.0.0.1:0"}, 1, "", "a hub is running"},
		"a routes file not there": {[]string{"serve", "--data", t.TempDir(), "--mqtt-routes", "/nowhere"}, 1, "",
			"--mqtt-routes"},
		"no hub to speak to": {[]string{"quarantine", "list", "--hub", fmt.Sprintf("http://127.0.0.1:%d", testbed.FreePort(t))}, 1, "", "start one"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(t.Context(), c.args, nil, &out, &errs); code != c.code {
				t.Errorf("code %d; want %d; %s", code, c.code, errs.String())
			}
			if !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
				t.Errorf("out %q, err %q; want %q, %q", out.String(), errs.String(), c.out, c.err)
			}
		})
	}
}

func TestRoutesAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		want []bridge.Route
		err  string
	}{
		"none":           {"", nil, ""},
		"one":            {file(t, "routes:\n- {name: lora, filter: 'application/#', format: chirpstack}\n"), []bridge.Route{{Name: "lora", Filter: "application/#", Format: "chirpstack"}}, ""},
		"from the hub":   {file(t, "routes:\n- {name: orders, filter: 'orders/+', down: true}\n"), []bridge.Route{{Name: "orders", Filter: "orders/+", Down: true}}, ""},
		"not there":      {"/nowhere", nil, "--mqtt-routes"},
		"no YAML":        {file(t, "routes: ["), nil, "--mqtt-routes"},
		"an unknown key": {file(t, "routes:\n- {name: lora, topic: 'application/#', format: chirpstack}\n"), nil, "topic"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readRoutes(c.path)
			if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%+v, %v; want %+v, %q", got, err, c.want, c.err)
			}
		})
	}
}

// silence is a server that takes connections and never answers.
func silence(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	return "http://" + listener.Addr().String()
}

// register puts a device into a hub's folder before that starts.
func register(t *testing.T, data string) {
	t.Helper()
	kept, err := database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(data, "registry.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	registry, err := devices.Open(t.Context(), kept.Store(), time.Now)
	if err == nil {
		_, _, err = registry.PutSensor(t.Context(), devices.Sensor{Code: "air", Channels: []devices.Channel{{Key: "pm25", Property: "pm25", Hi: 1000}}})
	}
	if err == nil {
		_, err = registry.ImportRow(t.Context(), devices.Row{Device: "a", Model: "air", Station: "s", From: "2025-07-01T00:00:00Z"})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// newKey makes a key in a hub's folder before that starts.
func newKey(t *testing.T, data, role string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"keys", "add", "--data", data, "--role", role, "--name", "test"}, nil, &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	return strings.TrimSpace(out.String())
}

// The worst moment to stop: InfluxDB hangs, the spool is full, and senders
// wait for their answers.
func TestAHubStopsInTenSecondsWhateverHangs(t *testing.T) {
	address := func() string { return fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t)) }
	pages, data := address(), t.TempDir()
	register(t, data)
	admin, gateway := newKey(t, data, "city-admin"), newKey(t, data, "gateway")
	ask := func(method, path, key, body string) (*http.Response, error) {
		request, err := http.NewRequest(method, "http://"+pages+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+key)
		request.Header.Set("Content-Type", "application/json")
		return http.DefaultClient.Do(request)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	var log bytes.Buffer // read only when the hub has ended
	go func() {
		code <- run(ctx, []string{"serve", "--data", data, "--http", pages, "--ops", address(),
			"--mqtt-listen", address(), "--influx-url", silence(t), "--influx-token", "t", "--spool-bytes", "1", "--spool-reserve", "0"}, nil, io.Discard, &log)
	}()
	waiting := func() bool {
		answer, err := ask("GET", "/status", admin, "")
		if err != nil {
			return false
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		return strings.Contains(string(body), "spool is full")
	}
	var senders sync.WaitGroup
	send := func() {
		answer, err := ask("POST", "/ingest", gateway, `{"device":"a","values":{"pm25":1}}`)
		if err == nil {
			_ = answer.Body.Close()
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	for tries := 0; !waiting(); tries++ {
		if time.Now().After(deadline) {
			cancel()
			t.Fatalf("the spool never was full (code %d): %s", <-code, log.String())
		}
		if tries%10 == 9 {
			senders.Go(send)
		}
		time.Sleep(20 * time.Millisecond)
	}
	start := time.Now()
	cancel()
	<-code
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
	senders.Wait()
}
