package testbed

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestInfluxDBKeepsDataOverKill(t *testing.T) {
	influx := InfluxDB(t)
	write(t, influx, "m f=1 1700000000000000000")
	influx.Kill()
	if influx.PID() != 0 {
		t.Fatal("it runs after Kill")
	}
	influx.Restart()
	if got := read(t, influx); !strings.Contains(got, ",m") {
		t.Fatalf("the point is not readable after a kill and a restart:\n%s", got)
	}
}

func write(t *testing.T, influx *Influx, line string) {
	t.Helper()
	request := influxRequest(t, influx, "/api/v2/write?org="+influx.Org+"&bucket="+influx.Bucket, "text/plain", line)
	if err := expect(request, http.StatusNoContent); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, influx *Influx) string {
	t.Helper()
	flux := `from(bucket: "` + influx.Bucket + `") |> range(start: 0)`
	request := influxRequest(t, influx, "/api/v2/query?org="+influx.Org, "application/vnd.flux", flux)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func influxRequest(t *testing.T, influx *Influx, path, kind, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, influx.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+influx.Token)
	request.Header.Set("Content-Type", kind)
	request.Close = true
	return request
}

func TestMosquittoRestartsOnTheSamePort(t *testing.T) {
	broker := Mosquitto(t, "persistence true\nlistener 1883 0.0.0.0\nmax_connections 50\n")
	publish(t, broker, "kept", "still here")
	broker.Stop() // writes its state
	if err := greets(t.Context(), strings.TrimPrefix(broker.URL, "tcp://")); err == nil {
		t.Fatal("it answers after Stop")
	}
	broker.Restart()
	if got := retained(t, broker, "kept"); got != "still here" {
		t.Fatalf("retained message after a restart: %q", got)
	}
}

func publish(t *testing.T, broker *Broker, topic, text string) {
	t.Helper()
	said, err := exec.Command("mosquitto_pub", "-L", "mqtt"+strings.TrimPrefix(broker.URL, "tcp")+"/"+topic,
		"-q", "1", "-r", "-m", text).CombinedOutput()
	if err != nil {
		t.Fatalf("publish: %v: %s", err, said)
	}
}

func retained(t *testing.T, broker *Broker, topic string) string {
	t.Helper()
	said, err := exec.Command("mosquitto_sub", "-L", "mqtt"+strings.TrimPrefix(broker.URL, "tcp")+"/"+topic,
		"-C", "1", "-W", "10").CombinedOutput()
	if err != nil {
		t.Fatalf("subscribe: %v: %s", err, said)
	}
	return strings.TrimSpace(string(said))
}

func TestPostgreSQLGivesEachTestItsOwnDatabase(t *testing.T) {
	one, two := PostgreSQL(t), PostgreSQL(t)
	if one.URL == two.URL {
		t.Fatalf("both are %s", one.URL)
	}
	query(t, one, "CREATE TABLE here (n int); INSERT INTO here VALUES (7)")
	if got := query(t, two, "SELECT count(*) FROM pg_tables WHERE tablename = 'here'"); got != "0" {
		t.Fatalf("a table of one database is seen in the other: %q", got)
	}
	one.Kill()
	one.Restart()
	if got := query(t, one, "SELECT n FROM here"); got != "7" {
		t.Fatalf("after a kill and a restart: %q", got)
	}
}

func query(t *testing.T, db *Postgres, sql string) string {
	t.Helper()
	said, err := exec.Command("psql", "-qAt", "-d", db.URL, "-c", sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", sql, err, said)
	}
	return strings.TrimSpace(string(said))
}

func TestAProgramThatEndsAtOnceIsReported(t *testing.T) {
	p := &process{
		path: "/bin/sh", args: []string{"-c", "echo no such option; exit 3"}, dir: t.TempDir(),
		answers: func(context.Context) error { return errEnded },
	}
	if err := p.launch(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.wait(ctx); !errors.Is(err, errEnded) {
		t.Fatalf("wait answered %v", err)
	}
	if !strings.Contains(p.tail(), "no such option") {
		t.Fatalf("what it said is lost: %q", p.tail())
	}
}

func TestAdaptKeepsWhatIsNotItsOwn(t *testing.T) {
	got := adapt("listener 1883 0.0.0.0\nmax_connections 5\npersistence_location /var/lib/x/\nallow_anonymous false\nuser mosquitto", "127.0.0.1:2", "/d")
	for _, want := range []string{"listener 2 127.0.0.1\nmax_connections 5\n", "persistence_location /d/\n", "allow_anonymous false\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	for _, not := range []string{"0.0.0.0", "/var/lib", "allow_anonymous true", "user mosquitto"} {
		if strings.Contains(got, not) {
			t.Errorf("%q is still in\n%s", not, got)
		}
	}
}

// verdict notes how a test was ended; the rest of testing.TB is not there.
type verdict struct {
	testing.TB
	skipped, failed string
}

func (v *verdict) Helper()          {}
func (v *verdict) Skip(args ...any) { v.skipped = args[0].(string) }
func (v *verdict) Fatal(args ...any) {
	v.failed = args[0].(string)
	runtime.Goexit()
}

func TestAnAbsentProgramSkipsAtHomeAndFailsInCI(t *testing.T) {
	for ci, want := range map[string]verdict{
		"":     {skipped: "group skipped: thing: get thing"},
		"true": {failed: "group skipped: thing: get thing (nothing may be skipped with CI=true)"},
	} {
		t.Setenv("CI", ci)
		var got verdict
		done := make(chan struct{})
		go func() {
			defer close(done)
			absent(&got, "thing", "get thing")
		}()
		<-done
		if got != want {
			t.Errorf("CI=%q: got %+v, want %+v", ci, got, want)
		}
	}
}
