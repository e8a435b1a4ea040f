package influx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/domain"

	"cityhub/telemetry"
	"cityhub/testbed"
)

func reading(group int64, property string, value telemetry.Value) []telemetry.Line {
	return []telemetry.Line{{Group: group, Time: 1_750_000_000_000_000_000, Fields: []telemetry.Field{{Property: property, Value: value}}}}
}

// fault wants an ArchiveError that says text.
func fault(t *testing.T, err error, retryable bool, text string) *telemetry.ArchiveError {
	t.Helper()
	var failure *telemetry.ArchiveError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want an ArchiveError", err)
	}
	if failure.Retryable != retryable || !strings.Contains(err.Error(), text) {
		t.Fatalf("got retryable %v: %v\nwant retryable %v, saying %q", failure.Retryable, err, retryable, text)
	}
	return failure
}

func openAt(t *testing.T, opts Options) *Archive {
	t.Helper()
	a, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func TestOpenRefusesBadOptions(t *testing.T) {
	for _, opts := range []Options{
		{},
		{URL: "influx:8086", Org: "o", Bucket: "b"},
		{URL: "ftp://influx", Org: "o", Bucket: "b"},
		{URL: "http://influx:8086", Bucket: "b"},
		{URL: "http://influx:8086", Org: "o"},
	} {
		if _, err := Open(t.Context(), opts); err == nil {
			t.Errorf("%+v: no error", opts)
		}
	}
}

func TestServerDownAndBack(t *testing.T) {
	down := openAt(t, Options{URL: fmt.Sprintf("http://127.0.0.1:%d", testbed.FreePort(t)), Org: "o", Bucket: "b"})
	none := func(*telemetry.Line) error { return nil }
	for what, err := range map[string]error{
		"write":  down.Write(t.Context(), telemetry.Raw, reading(1, "v", telemetry.NumberOf(1))),
		"read":   down.Read(t.Context(), telemetry.Query{To: 1}, none),
		"latest": down.Latest(t.Context(), 0, none),
		"delete": down.Delete(t.Context(), telemetry.Raw, 1, 0, 1),
	} {
		t.Run(what, func(t *testing.T) { fault(t, err, true, "does not answer") })
	}

	server := testbed.InfluxDB(t)
	a := openAt(t, Options{URL: server.URL, Org: server.Org, Bucket: "down", Token: server.Token})
	server.Kill()
	fault(t, a.Write(t.Context(), telemetry.Raw, reading(1, "v", telemetry.NumberOf(1))), true, "does not answer")
	server.Restart()
	if err := a.Write(t.Context(), telemetry.Raw, reading(1, "v", telemetry.NumberOf(1))); err != nil {
		t.Fatalf("after the server is back: %v", err)
	}
	server.Restart()
	if err := a.Write(t.Context(), telemetry.Raw, reading(1, "v", telemetry.NumberOf(2))); err != nil {
		t.Fatalf("over a connection that the server has closed: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	server := testbed.InfluxDB(t)
	at := func(change func(*Options)) *Archive {
		opts := Options{URL: server.URL, Org: server.Org, Bucket: "refusals", Token: server.Token}
		change(&opts)
		return openAt(t, opts)
	}
	good := reading(1, "v", telemetry.NumberOf(1))

	a := at(func(*Options) {})
	if err := a.Write(t.Context(), telemetry.Raw, good); err != nil {
		t.Fatal(err)
	}
	fault(t, a.Write(t.Context(), telemetry.Raw, reading(1, "v", telemetry.TextOf("x"))), false, "422")
	fault(t, a.Write(t.Context(), telemetry.Raw, reading(1, "s", telemetry.TextOf(strings.Repeat("x", 2<<20)))), false, "bucket \"refusals\"")
	fault(t, a.Write(t.Context(), telemetry.Raw, []telemetry.Line{{Group: 1, Time: 1<<63 - 1, Fields: good[0].Fields}}), false, "no such time")

	fault(t, at(func(o *Options) { o.Token = "wrong" }).Write(t.Context(), telemetry.Raw, good), true, "create it with")
	ready := at(func(o *Options) { o.Token = "wrong" })
	ready.ready.Store(true)
	fault(t, ready.Write(t.Context(), telemetry.Raw, good), true, "set influx token anew")
	fault(t, at(func(o *Options) { o.Org = "nobody" }).Write(t.Context(), telemetry.Raw, good), true, "nobody")

	short := at(func(o *Options) { o.Bucket, o.Retention[telemetry.Raw] = "short", 2*time.Hour })
	fault(t, short.Write(t.Context(), telemetry.Raw, good), false, "retention policy")
	good[0].Time = time.Now().UnixNano()
	if err := short.Write(t.Context(), telemetry.Raw, good); err != nil {
		t.Fatal(err)
	}
}

func TestBucketsComeBack(t *testing.T) {
	a := opener(t)(t)
	line := reading(1, "v", telemetry.NumberOf(1))
	if err := a.Write(t.Context(), telemetry.Raw, line); err != nil {
		t.Fatal(err)
	}
	bucket, err := a.client.BucketsAPI().FindBucketByName(t.Context(), a.buckets[telemetry.Raw])
	if err != nil {
		t.Fatal(err)
	}
	if err := a.client.BucketsAPI().DeleteBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	fault(t, a.Write(t.Context(), telemetry.Raw, line), true, "404")
	if err := a.Write(t.Context(), telemetry.Raw, line); err != nil {
		t.Fatalf("the next write must find the bucket made anew: %v", err)
	}
}

// A bucket that was there before keeps its own retention, and that is said.
func TestAnotherRetentionIsSaid(t *testing.T) {
	server := testbed.InfluxDB(t)
	line := reading(1, "v", telemetry.NumberOf(1))
	line[0].Time = time.Now().UnixNano()
	write := func(raw time.Duration) string {
		var said strings.Builder
		a := openAt(t, Options{URL: server.URL, Org: server.Org, Bucket: "kept", Token: server.Token,
			Retention: [3]time.Duration{raw}, Log: slog.New(slog.NewTextHandler(&said, nil))})
		if err := a.Write(t.Context(), telemetry.Raw, line); err != nil {
			t.Fatal(err)
		}
		return said.String()
	}
	for _, c := range []struct {
		retention time.Duration
		want      string
	}{{48 * time.Hour, ""}, {48 * time.Hour, ""}, {72 * time.Hour, `bucket=kept "bucket keeps"=48h0m0s "hub wants"=72h0m0s`}, {0, `"hub wants"=infinite`}} {
		if said := write(c.retention); said != "" && c.want == "" || !strings.Contains(said, c.want) {
			t.Errorf("%s: the log says %q, want %q", c.retention, said, c.want)
		}
	}
}

// A token for the three buckets alone, as the hub shall have it, is enough
// once the buckets are there; before, the error says what to create.
func TestBucketToken(t *testing.T) {
	server := testbed.InfluxDB(t)
	operator := openAt(t, Options{URL: server.URL, Org: server.Org, Bucket: "scoped", Token: server.Token})
	line := reading(1, "v", telemetry.NumberOf(1))
	if err := operator.Write(t.Context(), telemetry.Raw, line); err != nil {
		t.Fatal(err)
	}
	token := scopedToken(t, operator)
	hub := openAt(t, Options{URL: server.URL, Org: server.Org, Bucket: "scoped", Token: token})
	if err := hub.Write(t.Context(), telemetry.Raw, line); err != nil {
		t.Fatal(err)
	}
	count := 0
	err := hub.Read(t.Context(), telemetry.Query{From: 0, To: maxTime}, func(*telemetry.Line) error { count++; return nil })
	if err != nil || count != 1 {
		t.Fatalf("read %d lines: %v", count, err)
	}
	other := openAt(t, Options{URL: server.URL, Org: server.Org, Bucket: "elsewhere", Token: token,
		Retention: [3]time.Duration{48 * time.Hour}})
	fault(t, other.Write(t.Context(), telemetry.Raw, line), true,
		`bucket "elsewhere" of organisation "city" is not there for this token and cannot be created: create it with retention 48h0m0s`)
}

func scopedToken(t *testing.T, a *Archive) string {
	t.Helper()
	org, err := a.client.OrganizationsAPI().FindOrganizationByName(t.Context(), a.opts.Org)
	if err != nil {
		t.Fatal(err)
	}
	var permissions []domain.Permission
	for _, name := range a.buckets {
		bucket, err := a.client.BucketsAPI().FindBucketByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range []domain.PermissionAction{domain.PermissionActionRead, domain.PermissionActionWrite} {
			permissions = append(permissions, domain.Permission{Action: action,
				Resource: domain.Resource{Type: domain.ResourceTypeBuckets, Id: bucket.Id, OrgID: org.Id}})
		}
	}
	authorization, err := a.client.AuthorizationsAPI().CreateAuthorizationWithOrgID(t.Context(), *org.Id, permissions)
	if err != nil {
		t.Fatal(err)
	}
	return *authorization.Token
}

// InfluxDB itself cannot be made to be busy at will: a server that answers as
// it would stands in.
func TestBusyServer(t *testing.T) {
	for _, c := range []struct {
		status    int
		retryable bool
		after     time.Duration
	}{
		{http.StatusTooManyRequests, true, 7 * time.Second},
		{http.StatusServiceUnavailable, true, 7 * time.Second},
		{http.StatusInternalServerError, true, 0},
		{http.StatusBadGateway, true, 0},
		{http.StatusForbidden, true, 0},
		{http.StatusRequestTimeout, true, 0},
		{http.StatusBadRequest, false, 0},
		{http.StatusRequestEntityTooLarge, false, 0},
		{http.StatusUnprocessableEntity, false, 0},
	} {
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.after > 0 {
					w.Header().Set("Retry-After", fmt.Sprint(c.after.Seconds()))
				}
				w.WriteHeader(c.status)
			}))
			defer server.Close()
			a := openAt(t, Options{URL: server.URL, Org: "o", Bucket: "b"})
			a.ready.Store(true)
			err := fault(t, a.Write(t.Context(), telemetry.Raw, reading(1, "v", telemetry.NumberOf(1))), c.retryable, fmt.Sprint(c.status))
			if err.After != c.after {
				t.Errorf("after %v, want %v", err.After, c.after)
			}
		})
	}
}

// A server that takes a connection and then keeps silent ends in a retryable
// error by the write timeout; an answer that breaks off is no complete one.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	a := openAt(t, Options{URL: "http://" + listener.Addr().String(), Org: "o", Bucket: "b", WriteTimeout: 50 * time.Millisecond})
	a.ready.Store(true)
	fault(t, a.Write(t.Context(), telemetry.Raw, reading(1, "v", telemetry.NumberOf(1))), true, context.DeadlineExceeded.Error())
}

func TestBrokenAnswer(t *testing.T) {
	const start = "#datatype,string,long,dateTime:RFC3339,double,string,string\r\n,result,table,_time,_value,hub_field,g\r\n"
	for name, body := range map[string]string{
		"cut off":      start + ",_result,0,2025-01-01T00:00:00Z,1,v,1\r\n,_result,0,2025-01-01T00:0",
		"failed":       start + ",_result,0,2025-01-01T00:00:00Z,1,v,1\r\n\r\n#datatype,string,string\r\n,error,reference\r\n,\"out of, memory\",\r\n",
		"failed early": "#datatype,string,string\r\n,error,reference\r\n,out of memory,\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)+map[bool]int{true: 100}[name == "cut off"]))
				_, _ = w.Write([]byte(body))
			}))
			defer server.Close()
			a := openAt(t, Options{URL: server.URL, Org: "o", Bucket: "b"})
			a.ready.Store(true)
			err := a.Read(t.Context(), telemetry.Query{To: 1}, func(*telemetry.Line) error {
				t.Error("told a line of an answer that is not whole")
				return nil
			})
			fault(t, err, true, "broke off")
		})
	}
}
