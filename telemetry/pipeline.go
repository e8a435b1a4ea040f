package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// ErrClosed answers what is submitted after the pipeline has stopped.
var ErrClosed = errors.New("the hub is stopping; send again later")

// ErrTooLarge answers a record that a keeper can never take: only a smaller
// one helps.
var ErrTooLarge = errors.New("the record is too large")

// Keeper keeps a record durably: it is on the disk when Append answers nil.
// readings counts its lines; what it quarantines is counted already. Its error
// may pass, save where it is ErrTooLarge.
type Keeper interface {
	Append(ctx context.Context, record []byte, readings int) error
}

// Watcher is told of every line once it is durable. It must not wait, and
// must not keep the lines.
type Watcher interface {
	Tell(lines []Line)
}

// PipelineOptions says what a pipeline works with. All are required save
// Places, Clock, Barred, Linger, MaxPending, Watchers and Signs.
type PipelineOptions struct {
	Registry   Resolver
	Latest     *Latest
	Places     *Whereabouts // where mobile things are; nil: their positions are not judged
	Sequences  *Sequences
	Health     *Health
	Spool      Keeper
	IDs        IDBlocks
	Counters   *Counters
	Clock      Clock
	Barred     func(code string) bool // devices whose readings are not taken; nil: none
	Watchers   []Watcher
	Signs      *Signs        // learns of refusals; may be nil
	Linger     time.Duration // how long a commit may wait for company; 5 ms when 0
	MaxPending int           // bytes of payload in memory before Submit waits; 16 MiB when 0
	Now        func() time.Time
	Log        *slog.Logger
}

// Pipeline takes arrivals through resolve, keep, acknowledge and tell, many
// at a time with one write to the disk.
type Pipeline struct {
	o     PipelineOptions
	batch batch

	mu      sync.Mutex
	space   *sync.Cond
	pending []submission
	spare   []submission // empty, for the next pending
	bytes   int
	closed  bool
	wake    chan struct{} // holds one token while something is pending
	state   KeepState

	committing int // arrivals in the commit under way
	window     int // the most that lately were without acknowledgement at a time
}

// KeepState tells whether the spool takes what arrives.
type KeepState struct {
	Failing string    // the spool's error, "" while it keeps
	Since   time.Time // since when it fails
	Pending int       // arrivals that wait for their commit
}

type submission struct {
	arrival Arrival
	done    func(Receipt)
}

// NewPipeline makes a pipeline; nothing moves before Run.
func NewPipeline(o PipelineOptions) *Pipeline {
	o.Clock = o.Clock.orDefault()
	if o.Linger == 0 {
		o.Linger = 5 * time.Millisecond
	}
	if o.MaxPending == 0 {
		o.MaxPending = 16 << 20
	}
	p := &Pipeline{o: o, wake: make(chan struct{}, 1)}
	p.space = sync.NewCond(&p.mu)
	p.batch.resolving = resolving{registry: o.Registry, latest: o.Latest, places: o.Places, clock: o.Clock, barred: o.Barred}
	p.batch.ids = idLease{blocks: o.IDs, open: map[int64]*openBlock{}}
	return p
}

// Submit hands an arrival over; done is called exactly once, from another
// goroutine, when its fate is durable. Submit waits while too much is pending.
func (p *Pipeline) Submit(a Arrival, done func(Receipt)) {
	size := len(a.Payload) + len(a.Topic) + 256
	p.mu.Lock()
	for p.bytes+size > p.o.MaxPending && p.bytes > 0 && !p.closed {
		p.space.Wait()
	}
	if p.closed {
		p.mu.Unlock()
		done(Receipt{Err: ErrClosed})
		return
	}
	p.pending = append(roomy(p.pending), submission{a, done})
	p.bytes += size
	p.window = max(p.window, len(p.pending)+p.committing)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// roomy gives a slice room for one more, and when it is full for half as many
// again as it has: append would go to the size of a burst in smaller steps, each
// of them a copy.
func roomy[T any](s []T) []T {
	if len(s) < cap(s) {
		return s
	}
	return slices.Grow(s, max(256, len(s)/2))
}

// Run commits until the context ends, and then what is still pending.
func (p *Pipeline) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			p.close(ctx)
			return nil
		case <-p.wake:
		}
		p.gather(ctx)
		taken := p.take()
		for part := range slices.Chunk(taken, maxCommit) {
			p.commit(ctx, part)
		}
		p.giveBack(taken)
	}
}

// gather waits for company: until half of what the senders keep in flight is
// here, so that the other half travels during the commit, or arrivals pause,
// which means that the senders' windows are full, or the linger is over.
func (p *Pipeline) gather(ctx context.Context) {
	const pause = time.Millisecond
	seen, half := p.count()
	for waited := time.Duration(0); waited < p.o.Linger && seen < half; waited += pause {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		now, _ := p.count()
		if now == seen {
			return
		}
		seen = now
	}
}

// count tells how many arrivals are pending, and how many make half a window.
func (p *Pipeline) count() (pending, half int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pending), max(p.window/2, minGather)
}

// maxCommit is how many arrivals share a commit at most. More would share it at
// no gain, and their memory is kept for later ones.
const maxCommit = 8192

// minGather is how many arrivals are worth a commit without waiting for more:
// smaller ones would cost more processor time than their waiting costs anybody.
const minGather = 256

func (p *Pipeline) take() []submission {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.pending
	p.pending, p.spare, p.bytes = p.spare, nil, 0
	p.committing = len(taken)
	p.window -= p.window / 64 // forget a burst by and by
	p.space.Broadcast()
	return taken
}

// giveBack keeps the memory of settled submissions for later ones.
func (p *Pipeline) giveBack(settled []submission) {
	const most = 1 << 14 // more is for the collector
	clear(settled)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committing = 0
	if cap(settled) <= most {
		p.spare = settled[:0]
	}
}

// lastCommit bounds the commit that a stop waits for.
const lastCommit = 1500 * time.Millisecond

// close refuses what comes from now on and commits the rest.
func (p *Pipeline) close(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	p.space.Broadcast()
	p.mu.Unlock()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
	defer cancel()
	p.commit(last, p.take())
}

// State tells how the pipeline fares.
func (p *Pipeline) State() KeepState {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Pending = len(p.pending)
	return s
}

// commit keeps a batch and settles with its senders. While the spool refuses,
// it tries again and nothing is acknowledged; what it can never take goes in
// less.
func (p *Pipeline) commit(ctx context.Context, submissions []submission) {
	if len(submissions) == 0 {
		return
	}
	err := p.keep(ctx, submissions)
	for wait := 50 * time.Millisecond; err != nil && !tooLarge(err, submissions) && ctx.Err() == nil; wait = min(2*wait, 2*time.Second) {
		p.failing(err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			err = p.keep(ctx, submissions)
		}
	}
	if tooLarge(err, submissions) {
		p.commitLess(ctx, submissions, err)
		return
	}
	if err != nil {
		for _, s := range submissions {
			s.done(Receipt{Err: err})
		}
		return
	}
	p.failing(nil)
	p.settle(submissions)
}

// maxRecord is the size from which a commit is split: packed formats and long
// texts take more in a record than in a message, and a spool has its bounds.
const maxRecord = 8 << 20

// keep resolves the batch and writes its record.
func (p *Pipeline) keep(ctx context.Context, submissions []submission) error {
	b := &p.batch
	if err := b.fill(ctx, submissions, p.o.Now().UnixNano()); err != nil {
		return err
	}
	if len(b.lines)+len(b.items) == 0 {
		return nil
	}
	b.record = appendRecord(b.record[:0], b.lines, b.items)
	if len(b.record) > maxRecord && len(submissions) > 1 {
		b.record = nil // not to be held for ever
		return ErrTooLarge
	}
	if err := p.o.Spool.Append(ctx, b.record, len(b.lines)); err != nil {
		return err
	}
	b.ids.keep()
	return nil
}

// settle counts, acknowledges and tells: a sender that has its acknowledgement
// finds its reading counted, and among the latest values.
func (p *Pipeline) settle(submissions []submission) {
	b := &p.batch
	b.count(p.o.Counters)
	for _, seen := range b.seen {
		p.o.Counters.SequenceGaps.Add(p.o.Sequences.Note(seen.device, seen.seq, seen.time, seen.quality&ClockCorrected == 0))
		p.o.Health.note(seen)
	}
	p.o.Latest.Tell(b.lines)
	if p.o.Places != nil {
		p.o.Places.Tell(b.lines)
	}
	for _, t := range b.turned {
		p.o.Signs.Note(t.device, Sign{Kind: Refused, At: t.at, Reason: t.refusal.Reason, Detail: t.refusal.Detail})
	}
	for i, s := range submissions {
		s.done(b.receipts[i])
	}
	for _, w := range p.o.Watchers {
		w.Tell(b.lines)
	}
}

// failing keeps and logs the changes of the spool's state.
func (p *Pipeline) failing(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil && p.state.Failing != "":
		p.o.Log.Info("the spool keeps again", "after", p.o.Now().Sub(p.state.Since).Round(time.Millisecond))
		p.state = KeepState{}
	case err != nil && p.state.Failing == "":
		p.o.Log.Error("nothing is acknowledged: the spool does not keep", "error", err)
		p.state = KeepState{Failing: err.Error(), Since: p.o.Now()}
	}
}
