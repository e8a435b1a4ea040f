package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

const (
	keptImports = 100 // that can still be asked for
	fullImports = 10  // of these, with their rows
	openImports = 8   // that may run or wait
)

// Import is one import and how far it is.
type Import struct {
	ID        string      `json:"id"`
	Kind      string      `json:"kind" enum:"devices,models"`
	State     string      `json:"state" enum:"waiting,running,done,stopped" doc:"stopped: the hub was stopped meanwhile; send the file again"`
	Started   time.Time   `json:"started"`
	Total     int         `json:"total"`
	Done      int         `json:"done"`
	Created   int         `json:"created"`
	Updated   int         `json:"updated"`
	Unchanged int         `json:"unchanged"`
	Failed    int         `json:"failed"`
	Rows      []ImportRow `json:"rows" nullable:"false" doc:"At most 10,000 that failed and 10,000 others, in the order of the file"`
	Omitted   int         `json:"omitted,omitempty" doc:"Rows done that are not listed"`
}

// ImportRow is what became of one row, or of one model.
type ImportRow struct {
	Line   int    `json:"line,omitempty"`
	Device string `json:"device,omitempty"`
	Model  string `json:"model,omitempty"`
	Result string `json:"result" enum:"created,updated,unchanged,failed"`
	Field  string `json:"field,omitempty" doc:"The column at fault"`
	Detail string `json:"detail,omitempty"`
}

// imports runs imports one after another, in the background.
type imports struct {
	registry *devices.Registry
	log      *slog.Logger
	now      func() time.Time
	work     *sync.WaitGroup
	ctx      context.Context
	stop     context.CancelFunc
	turn     chan struct{} // held by the import that runs

	mu   sync.Mutex
	jobs []*job // oldest first
}

func newImports(s *Server) *imports {
	m := &imports{registry: s.o.Registry, log: s.o.Log, now: s.o.Now, work: &s.work, turn: make(chan struct{}, 1)}
	m.ctx, m.stop = context.WithCancel(s.ctx)
	return m
}

// close stops what runs at its next row.
func (m *imports) close() { m.stop() }

type importInput struct {
	RawBody multipart.Form
}

type importStarted struct {
	Location string `header:"Location"`
	Body     Import
}

type importID struct {
	ID string `path:"id"`
}

func (s *Server) importing() {
	register(s, huma.Operation{OperationID: "start-import", Method: http.MethodPost, Path: base + "/imports", DefaultStatus: http.StatusAccepted,
		Summary: "Import devices or models", Tags: []string{"imports"}, Middlewares: huma.Middlewares{s.wantForm},
		Description: "multipart/form-data: kind is devices (one CSV file) or models (YAML files, with the codec files that they name); file, once or more. At most 32 MiB.",
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
			http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, access.ThingWrite, s.startImport)
	register(s, huma.Operation{OperationID: "get-import", Method: http.MethodGet, Path: base + "/imports/{id}",
		Summary: "How far an import is", Tags: []string{"imports"}, Errors: []int{http.StatusNotFound},
	}, access.ThingWrite, func(_ context.Context, in *importID) (*shown[Import], error) {
		j := s.imports.find(in.ID)
		if j == nil {
			return nil, fmt.Errorf("import %q: %w", in.ID, devices.ErrNotFound)
		}
		return &shown[Import]{j.snapshot()}, nil
	})
}

// wantForm refuses other bodies than forms before huma reads them.
func (s *Server) wantForm(ctx huma.Context, next func(huma.Context)) {
	media, parameters, err := mime.ParseMediaType(ctx.Header("Content-Type"))
	if err != nil || media != "multipart/form-data" || parameters["boundary"] == "" {
		_ = huma.WriteErr(s.api, ctx, http.StatusUnsupportedMediaType, "Content-Type: this is sent as multipart/form-data")
		return
	}
	next(ctx)
}

func (s *Server) startImport(_ context.Context, in *importInput) (*importStarted, error) {
	files, err := readFiles(&in.RawBody)
	if err != nil {
		return nil, err
	}
	kinds := in.RawBody.Value["kind"]
	if len(kinds) != 1 {
		return nil, formProblem("kind", "must be given once: devices or models")
	}
	j := &job{state: Import{ID: rand.Text()[:16], Kind: kinds[0], State: "waiting", Started: s.o.Now().UTC()}}
	switch kinds[0] {
	case "devices":
		err = j.devices(files)
	case "models":
		err = j.models(files)
	default:
		err = formProblem("kind", fmt.Sprintf("%q is none of devices, models", kinds[0]))
	}
	if err != nil {
		return nil, err
	}
	if err := s.imports.start(j); err != nil {
		return nil, err
	}
	return &importStarted{base + "/imports/" + j.state.ID, j.snapshot()}, nil
}

func formProblem(field, detail string) *Problem {
	return problem(http.StatusUnprocessableEntity, field+": "+detail, FieldProblem{field, detail})
}

// readFiles reads the uploaded files whole, for the form is gone once the
// request is answered.
func readFiles(form *multipart.Form) (uploads, error) {
	files := uploads{}
	for _, header := range form.File["file"] {
		name := path.Base(strings.ReplaceAll(header.Filename, `\`, "/"))
		if _, twice := files[name]; twice {
			return nil, formProblem("file", fmt.Sprintf("%q is sent twice", name))
		}
		text, err := readFile(header)
		if err != nil {
			return nil, fmt.Errorf("file %q: %w", name, err)
		}
		files[name] = text
	}
	if len(files) == 0 {
		return nil, formProblem("file", "is missing")
	}
	return files, nil
}

func readFile(header *multipart.FileHeader) (text []byte, err error) {
	file, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return io.ReadAll(file)
}

// start lets a job run when it is its turn.
func (m *imports) start(j *job) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	open := 0
	for _, other := range m.jobs {
		if !other.ended() {
			open++
		}
	}
	switch {
	case m.ctx.Err() != nil:
		return m.ctx.Err()
	case open >= openImports:
		p := problem(http.StatusTooManyRequests, "too many imports wait already; send the file when they are done")
		p.after = 10 * time.Second
		return p
	}
	m.jobs = append(m.jobs, j)
	if len(m.jobs) > keptImports {
		m.jobs = m.jobs[1:]
	}
	if old := len(m.jobs) - fullImports - 1; old >= 0 {
		m.jobs[old].forgetRows()
	}
	m.work.Go(func() { m.run(j) })
	return nil
}

func (m *imports) run(j *job) {
	select {
	case m.turn <- struct{}{}:
	case <-m.ctx.Done():
		j.end("stopped")
		return
	}
	defer func() { <-m.turn }()
	j.begin()
	if err := j.run(m.ctx, m.registry); err != nil {
		j.end("stopped")
		return
	}
	j.end("done")
	done := j.snapshot()
	m.log.Info("an import is done", "import", done.ID, "kind", done.Kind, "rows", done.Total,
		"created", done.Created, "updated", done.Updated, "failed", done.Failed, "took", m.now().Sub(done.Started))
}

func (m *imports) find(id string) *job {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		if j.state.ID == id { // set once, before the job is known to anybody
			return j
		}
	}
	return nil
}
