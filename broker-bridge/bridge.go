// Package bridge brings the city's messages from its MQTT broker into the hub:
// it connects, subscribes, decodes by a table of routes, hands each arrival to
// the intake and acknowledges it once the intake says that it is kept durably.
// It refuses to know the registry, the spool and the archive.
package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cityhub/telemetry"
)

const (
	maxBytes         = 64 << 20         // of messages taken up and not acknowledged
	defaultStall     = 30 * time.Second // Options.Stall
	defaultKeepAlive = 10 * time.Second // Options.KeepAlive
	drainTime        = 6 * time.Second  // for the last acknowledgements at the end
)

// Intake keeps arrivals. Submit may wait when it has too much in hand; it calls
// done exactly once, from any goroutine, when the arrival is durable or cannot
// be. done does not wait.
type Intake interface {
	Submit(arrival telemetry.Arrival, done func(telemetry.Receipt))
}

// Signs learns what an edge sees of devices beside their readings; it does not
// wait. A *telemetry.Signs is one.
type Signs interface {
	Note(device string, sign telemetry.Sign)
}

// Limiter charges messages to the devices that send them. A *quota.Gate is one.
type Limiter interface {
	// Admit is asked for every message before it is decoded. It answers false
	// for one that is too many, and sets its refusal.
	Admit(a *telemetry.Arrival) bool
	// Missed is told for how long the hub took nothing from the broker: what
	// was sent meanwhile waits there and comes all at once.
	Missed(pause time.Duration)
}

// Options make a bridge. URL, ClientID, Decoder and Intake are required.
type Options struct {
	URL      string // mqtt:// or tcp://, mqtts:// or ssl://
	ClientID string // stable: the broker keeps the hub's messages under it
	Username string
	Password string
	TLS      *tls.Config // nil: the system's roots

	Decoder   *Decoder
	Intake    Intake
	Limit     Limiter       // nil: none
	Signs     Signs         // nil: nobody wants to know
	Before    Memory        // of an earlier run with this broker
	Window    int           // messages taken up and not acknowledged, 65,535 at most; 0: 8,192, which a commit's time seldom needs and a cache can hold
	Stall     time.Duration // the oldest unacknowledged message may be so old; 0: 30 s
	KeepAlive time.Duration // a silent connection is found dead after 2.5 times this; 0: 10 s

	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: slog.Default
	Metrics prometheus.Registerer
}

// Status is the connection as the operators see it.
type Status struct {
	Connected            bool
	Since                time.Time     // of the present connection, or of its absence
	SessionLost          int64         // times the broker had forgotten the hub's session
	Unacknowledged       int           // messages received and not yet durable
	OldestUnacknowledged time.Duration // age of the oldest of them, 0 when there is none
	LastError            string        // why the last connection ended or was not made
}

// Bridge is one broker's messages on their way in.
type Bridge struct {
	o       Options
	shown   string // the URL without its password
	decoder *Decoder
	metrics *metrics
	queue   *queue
	scripts chan job

	mu          sync.Mutex
	session     *session // nil while there is no connection
	since       time.Time
	past        Memory
	missed      time.Time // up to here the limiter was told of what was missed
	taken       int64     // messages of the session that were settled
	sessionLost int64
	lastError   string
}

// New checks the options. Run does the work.
func New(o Options) (*Bridge, error) {
	target, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("broker URL: %w", err)
	case target.Hostname() == "":
		return nil, fmt.Errorf("broker URL: %q names no host, want mqtt://host:port", target.Redacted())
	case !plain(target) && !secure(target):
		return nil, fmt.Errorf("broker URL: scheme %q, want mqtt, tcp, mqtts or ssl", target.Scheme)
	case o.ClientID == "":
		return nil, errors.New("client id: must not be empty, or the broker keeps nothing for the hub")
	case o.Decoder == nil || o.Intake == nil:
		return nil, errors.New("bridge: decoder and intake are required")
	}
	o.defaults()
	b := &Bridge{
		o: o, shown: target.Redacted(), decoder: o.Decoder,
		queue: newQueue(), scripts: make(chan job, scriptQueue), since: o.Now(),
		past: o.Before, missed: o.Before.Taking,
	}
	b.metrics = newMetrics(o.Metrics, b.Status)
	return b, nil
}

func (o *Options) defaults() {
	if o.Window <= 0 {
		o.Window = 8192
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = defaultKeepAlive
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// Status tells how the connection is. It is safe for concurrent use.
func (b *Bridge) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Status{Connected: b.session != nil, Since: b.since, SessionLost: b.sessionLost, LastError: b.lastError}
	if b.session == nil {
		return s
	}
	open, oldest, _ := b.session.window.State()
	s.Unacknowledged = open
	if open > 0 {
		s.OldestUnacknowledged = b.o.Now().Sub(oldest)
	}
	return s
}

// Run keeps the bridge connected until the context ends, then waits for the
// intake's last answers and says goodbye to the broker. It is called once. Its
// error says what was left unacknowledged; the broker will send that again.
func (b *Bridge) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	workers.Go(b.feed)
	for range max(2, runtime.GOMAXPROCS(0)) {
		workers.Go(b.runScripts)
	}
	err := b.stayConnected(ctx)
	b.queue.close()
	workers.Wait()
	return err
}

// greet counts a connection, and notices that the broker lost the session.
func (b *Bridge) greet(sessionPresent bool) {
	b.metrics.connects.Inc()
	b.miss()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.past.Session && !sessionPresent {
		b.sessionLost++
		b.metrics.sessionLost.Inc()
		b.o.Log.Warn("the broker lost its session: messages that it held for the hub are gone; look for gaps in seq",
			"broker", b.shown)
	}
	b.past.Session = true
	if b.past.Taking.IsZero() { // from the first time on the broker keeps for the hub
		b.past.Taking = b.o.Now()
	}
}
