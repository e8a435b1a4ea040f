// Package imports brings devices, models and zones in from files, in the background:
// it keeps the files and what became of their rows until people have looked at
// them, goes on where it was when the hub comes back, and never does more than
// whoever sent a file may do. It knows nothing of HTTP and of SQL.
package imports

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// The bounds of what is kept.
const (
	keptImports = 50
	keptBytes   = 256 << 20
	keptFor     = 30 * 24 * time.Hour
	openImports = 8 // that may run or wait
)

// Kind is what a file brings.
type Kind string

// The kinds of import.
const (
	Devices Kind = "devices"
	Models  Kind = "models"
	Zones   Kind = "zones"
)

// State is how far an import is.
type State string

// The states of an import. One that was interrupted waits again.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Broken  State = "failed" // its file can no longer be read
)

// Import is one import and how far it is.
type Import struct {
	ID          string
	Kind        Kind
	State       State
	DryRun      bool      // nothing was or will be changed
	Credentials bool      // devices without a secret get one
	Zones       *ZoneForm `json:",omitempty"` // of an import of zones
	Names       []string
	By          access.Principal
	Request     string // the id of the request that brought it
	Started     time.Time
	Ended       time.Time // zero while it goes on
	Error       string    // why it is Broken
	Counts
	Seed []byte `json:",omitempty"` // of the secrets that were made; nil once they were handed out, or for too long not
}

// Counts says how many rows there are, and what became of those done.
type Counts struct{ Total, Done, Created, Updated, Unchanged, Failed int }

func (c *Counts) add(r devices.Result) {
	c.Done++
	switch r {
	case devices.Created:
		c.Created++
	case devices.Updated:
		c.Updated++
	case devices.Unchanged:
		c.Unchanged++
	default:
		c.Failed++
	}
}

// Result is what became of one row, or of one model.
type Result struct {
	Line   int            `json:"line,omitempty"`
	Device string         `json:"device,omitempty"`
	Model  string         `json:"model,omitempty"`
	Zone   string         `json:"zone,omitempty"`
	Result devices.Result `json:"result"`
	Column string         `json:"column,omitempty"` // at fault
	Code   string         `json:"code,omitempty"`   // why it failed, for programs
	Args   []string       `json:"args,omitempty"`
	Detail string         `json:"detail,omitempty"` // the same in English
	Made   bool           `json:"made,omitempty"`   // a secret was made for the device
}

// Credentials sets devices' secrets.
type Credentials interface {
	// Set lets a device in with a secret.
	Set(ctx context.Context, device *devices.Device, secret string) error
	// Holds says whether a device has any secret, and whether it is this one.
	Holds(device int64, secret string) (some, this bool)
}

// Options say what imports work with; all are required but Credentials and
// Today.
type Options struct {
	Dir         string // theirs alone
	Key         []byte // of 32 bytes; locks secrets that have to be kept for a while
	Registry    *devices.Registry
	Credentials Credentials    // nil: no secret can be set
	Zone        *time.Location // of dates without one
	Now         func() time.Time
	Log         *slog.Logger
	// Today tells what somebody may do now; nil: what they might when they
	// sent the file.
	Today func(p *access.Principal) (*access.Principal, error)
}

// Imports are all imports that are kept. They are safe for concurrent use.
type Imports struct {
	o         Options
	wake      chan struct{}
	frugality frugality

	mu   sync.Mutex
	jobs []*job // oldest first
}

// job is an import with its folder.
type job struct {
	folder
	mu    sync.Mutex
	state Import
	size  int64 // bytes of results that are kept whole
}

func (j *job) snapshot() Import {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state
}

func (j *job) ended() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state.State == Done || j.state.State == Broken
}

// ErrBusy refuses an import while too many wait.
var ErrBusy = errors.New("too many imports wait already; send the file when they are done")

// Open reads the imports of earlier runs.
func Open(o Options) (*Imports, error) {
	m := &Imports{o: o, wake: make(chan struct{}, 1)}
	jobs, err := load(o.Dir, o.Key)
	if err != nil {
		return nil, fmt.Errorf("imports: %w", err)
	}
	slices.SortFunc(jobs, func(a, b *job) int { return a.state.Started.Compare(b.state.Started) })
	m.jobs = jobs
	for _, j := range jobs {
		if !j.ended() {
			continue
		}
		if err := errors.Join(j.settle(o.Zone), j.save(j.state)); err != nil { // by an earlier program, or not to the end
			o.Log.Error("the secrets in an import's file stay", "import", j.state.ID, "error", err)
		}
	}
	m.tidySecrets()
	m.poke()
	return m, nil
}

func (m *Imports) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Upload is what somebody sends.
type Upload struct {
	Kind        Kind
	Files       map[string][]byte // by name
	DryRun      bool
	Credentials bool
	Zones       *ZoneForm // of an import of zones
}

// Start keeps an upload of whoever ctx names and lets it run when it is its
// turn. A file that cannot be read at all is a *devices.FieldError.
func (m *Imports) Start(ctx context.Context, u Upload) (Import, error) {
	defer m.Frugal()()
	if m.open() >= openImports {
		return Import{}, ErrBusy
	}
	j := &job{folder: folder{key: m.o.Key}, state: Import{ID: rand.Text()[:16], Kind: u.Kind, State: Waiting, DryRun: u.DryRun, Credentials: u.Credentials, Zones: u.Zones,
		By: *access.PrincipalOf(ctx), Request: access.RequestOf(ctx), Started: m.o.Now().UTC()}}
	if u.Credentials && !u.DryRun {
		j.state.Seed = access.NewSeed()
	}
	if err := j.create(m.o.Dir, u.Files); err != nil {
		return Import{}, err
	}
	total, err := m.count(j)
	if err == nil {
		j.state.Total = total
		err = j.save(j.state)
	}
	if err != nil {
		return Import{}, errors.Join(err, j.remove())
	}
	m.mu.Lock()
	m.jobs = append(m.jobs, j)
	m.mu.Unlock()
	m.tidy()
	m.poke()
	return j.snapshot(), nil
}

func (m *Imports) count(j *job) (int, error) {
	if j.state.Kind == Zones {
		_, features, err := j.readZones()
		return len(features), err
	}
	if j.state.Kind == Models {
		names := modelNames(j.state.Names)
		if len(names) == 0 {
			return 0, &devices.FieldError{Field: "file", Kind: devices.ErrInvalid, Detail: "models are imported from .yaml files; none was sent"}
		}
		return len(names), nil
	}
	if len(j.state.Names) != 1 {
		return 0, &devices.FieldError{Field: "file", Kind: devices.ErrInvalid, Detail: "devices are imported from one CSV or XLSX file"}
	}
	return j.countRows(m.o.Zone)
}

func (m *Imports) open() (n int) {
	for _, j := range m.all() {
		if !j.ended() {
			n++
		}
	}
	return n
}

func (m *Imports) all() []*job {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.jobs)
}

// find answers ErrNotFound for another's import, as for none: an import is
// seen by who sent it, and by whom everything belongs to.
func (m *Imports) find(ctx context.Context, id string) (*job, error) {
	for _, j := range m.all() {
		if j.state.ID == id && sees(ctx, &j.state.By) { // both are set once
			return j, nil
		}
	}
	return nil, fmt.Errorf("import %q: %w", id, devices.ErrNotFound)
}

func sees(ctx context.Context, by *access.Principal) bool {
	scope, asks := access.ScopeOf(ctx), access.PrincipalOf(ctx)
	return scope.All && !scope.Limited || asks.Kind == by.Kind && asks.ID == by.ID
}

// Get gives an import, or ErrNotFound.
func (m *Imports) Get(ctx context.Context, id string) (Import, error) {
	j, err := m.find(ctx, id)
	if err != nil {
		return Import{}, err
	}
	return j.snapshot(), nil
}

// List gives the imports that are kept, newest first.
func (m *Imports) List(ctx context.Context) []Import {
	var list []Import
	for _, j := range slices.Backward(m.all()) {
		if state := j.snapshot(); sees(ctx, &state.By) {
			list = append(list, state)
		}
	}
	return list
}

// Rows calls each with every row done so far, in the order of the file.
func (m *Imports) Rows(ctx context.Context, id string, each func(Result) error) error {
	j, err := m.find(ctx, id)
	if err != nil {
		return err
	}
	return j.results(each)
}

// tidy lets the oldest ended imports go that are beyond the bounds.
func (m *Imports) tidy() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var bytes int64
	kept := 0
	oldest := m.o.Now().Add(-keptFor)
	for i := len(m.jobs) - 1; i >= 0; i-- {
		j := m.jobs[i]
		bytes += j.bytes()
		kept++
		if !j.ended() || (kept <= keptImports && bytes <= keptBytes && j.state.Started.After(oldest)) {
			continue
		}
		if err := j.remove(); err != nil {
			m.o.Log.Error("an old import stays", "import", j.state.ID, "error", err)
			continue
		}
		m.jobs = slices.Delete(m.jobs, i, i+1)
	}
}
