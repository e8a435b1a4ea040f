// Package influx keeps readings in InfluxDB 2: one wide line for every message,
// tagged by group alone. It is the only place that knows InfluxDB's client. It
// knows nothing of the registry or of how readings arrive.
//
// A line of the measurement "observation" has the tag g (the group, decimal)
// and one field for each property. The fields that begin with hub_ are the
// hub's own: hub_id, hub_q (quality of the line), hub_q_<property> (quality of
// one field), hub_rt (receipt of a late line), hub_lon, hub_lat, hub_alt, and
// hub_time for a property named time, a word that InfluxDB keeps for itself.
package influx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/domain"

	"cityhub/telemetry"
)

// The instants that InfluxDB can both keep and find again, both inclusive.
const (
	minTime = int64(-1<<63) + 2
	maxTime = int64(1<<63-1) - 2
)

// Options says where InfluxDB is and which buckets to use.
type Options struct {
	URL          string           // http://host:8086
	Org          string           // the organisation's name
	Bucket       string           // of raw lines; roll-ups go to <Bucket>_hourly and <Bucket>_daily
	Token        string           // may read and write the three buckets
	Retention    [3]time.Duration // by telemetry.Bucket, for buckets that Open's user has to create; 0: for ever
	WriteTimeout time.Duration    // of one write or delete; 0: 30 s
	Log          *slog.Logger     // nil: slog.Default
	NoGzip       bool             // send lines as they are; on loopback they always go so
}

// Archive implements telemetry.Archive on InfluxDB 2.
type Archive struct {
	opts    Options
	client  influxdb2.Client
	http    *http.Client
	apiURL  string
	gzip    bool
	buckets [3]string

	ready  atomic.Bool   // the buckets are known to exist
	lookup chan struct{} // holds one token: who looks after the buckets
	bodies sync.Pool     // of *body
	orders sync.Pool     // of *ordering
	cells  int           // values held in memory for one group of a read
}

// Open checks the options. It does not talk to the server, which may be down
// or not set up: the buckets are looked for, and created, at the first use.
func Open(ctx context.Context, opts Options) (*Archive, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	server, err := url.Parse(opts.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("influx url: %w", err)
	case server.Scheme != "http" && server.Scheme != "https" || server.Host == "":
		return nil, fmt.Errorf("influx url %q: write it like http://influx.example:8086", server.Redacted())
	case opts.Org == "" || opts.Bucket == "":
		return nil, errors.New("influx org and influx bucket must both be named")
	}
	if opts.WriteTimeout <= 0 {
		opts.WriteTimeout = 30 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	a := &Archive{opts: opts, lookup: make(chan struct{}, 1), cells: 1 << 20}
	a.gzip = !opts.NoGzip && !loopback(server.Hostname())
	a.buckets = [3]string{opts.Bucket, opts.Bucket + "_hourly", opts.Bucket + "_daily"}
	a.http = &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   8,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
		DisableCompression:    !a.gzip,
	}}
	a.client = influxdb2.NewClientWithOptions(opts.URL, opts.Token,
		influxdb2.DefaultOptions().SetHTTPClient(a.http).SetApplicationName("cityhub"))
	a.apiURL = a.client.HTTPService().ServerAPIURL()
	a.bodies.New = func() any { return new(body) }
	a.orders.New = func() any { return new(ordering) }
	return a, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Close ends idle connections. Calls that still run are not waited for.
func (a *Archive) Close() error {
	a.client.Close()
	a.http.CloseIdleConnections()
	return nil
}

// Health says whether InfluxDB is ready for queries and writes. It does not
// check the token.
func (a *Archive) Health(ctx context.Context) error {
	health, err := a.client.Health(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return a.unreachable(err)
	case health.Status != domain.HealthCheckStatusPass:
		return &telemetry.ArchiveError{Retryable: true, Err: fmt.Errorf("InfluxDB is not well: %s", health.Status)}
	}
	return nil
}
