package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// InfluxVersion is the release that the tests ask for.
const InfluxVersion = "2.7.12"

// Influx is an InfluxDB 2 with one organisation, one bucket without retention
// and a token that may do everything.
type Influx struct {
	Server
	URL    string // http://127.0.0.1:port
	Org    string
	Bucket string
	Token  string
}

// InfluxDB starts a fresh InfluxDB for the test. The program is the one named
// by INFLUXD, else the one on the PATH, else the one that scripts/build-influxd
// leaves in the user's cache.
func InfluxDB(t testing.TB) *Influx {
	t.Helper()
	program, ok := influxd()
	if !ok {
		absent(t, "influxdb", "scripts/build-influxd")
	}
	dir := t.TempDir()
	address := fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	influx := &Influx{URL: "http://" + address, Org: "city", Bucket: "city", Token: "testbed-token"}
	influx.Server = run(t, &process{
		path: program,
		args: []string{
			"--http-bind-address=" + address,
			"--bolt-path=" + filepath.Join(dir, "influxd.bolt"),
			"--sqlite-path=" + filepath.Join(dir, "influxd.sqlite"),
			"--engine-path=" + filepath.Join(dir, "engine"),
			"--reporting-disabled", "--log-level=warn",
			"--pprof-disabled", // as compose.yaml ships it
		},
		dir:     dir,
		answers: func(ctx context.Context) error { return answersOK(ctx, influx.URL+"/health") },
	})
	if err := influx.setUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return influx
}

// influxd finds the program.
func influxd() (string, bool) {
	if named := os.Getenv("INFLUXD"); named != "" {
		return named, true
	}
	if found, err := exec.LookPath("influxd"); err == nil {
		return found, true
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", false
	}
	built := filepath.Join(cache, "cityhub", "influxd-"+InfluxVersion)
	info, err := os.Stat(built)
	return built, err == nil && info.Mode().IsRegular()
}

// setUp makes the first user, organisation, bucket and token.
func (i *Influx) setUp(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{
		"username": "testbed", "password": "testbed-password",
		"org": i.Org, "bucket": i.Bucket, "token": i.Token, "retentionPeriodSeconds": 0,
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, i.URL+"/api/v2/setup", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return expect(request, http.StatusCreated)
}

func answersOK(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return expect(request, http.StatusOK)
}

// expect sends the request over a connection of its own, so that none is left
// open, and answers an error unless the status is the one expected.
func expect(request *http.Request, status int) error {
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return err
	}
	if response.StatusCode != status {
		return fmt.Errorf("%s %s: %s: %s", request.Method, request.URL, response.Status, text)
	}
	return nil
}
