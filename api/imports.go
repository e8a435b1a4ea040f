package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/imports"
)

// keptRows are shown that failed, and as many others; a table has them all.
const keptRows = 10_000

// Import is one import and how far it is.
type Import struct {
	ID        string      `json:"id"`
	Kind      string      `json:"kind" enum:"devices,models,zones"`
	State     string      `json:"state" enum:"waiting,running,done,failed" doc:"One that a stop of the hub interrupted waits, and goes on by itself; failed: its file can no longer be read"`
	DryRun    bool        `json:"dryRun" doc:"The results tell what would happen; nothing is changed"`
	Files     []string    `json:"files" nullable:"false"`
	By        string      `json:"by" doc:"Who sent it; it can do no more than they may"`
	Started   time.Time   `json:"started"`
	Ended     *time.Time  `json:"ended,omitempty"`
	Error     string      `json:"error,omitempty" doc:"Why it failed"`
	Total     int         `json:"total"`
	Done      int         `json:"done"`
	Created   int         `json:"created"`
	Updated   int         `json:"updated"`
	Unchanged int         `json:"unchanged"`
	Failed    int         `json:"failed"`
	Secrets   bool        `json:"secrets" doc:"Secrets were made and not fetched yet: rows.csv?secrets=true"`
	Rows      []ImportRow `json:"rows" nullable:"false" doc:"At most 10,000 that failed and 10,000 others, in the order of the file"`
	Omitted   int         `json:"omitted,omitempty" doc:"Rows done that are not listed"`
}

// ImportRow is what became of one row, or of one model.
type ImportRow struct {
	Line   int    `json:"line,omitempty"`
	Device string `json:"device,omitempty"`
	Model  string `json:"model,omitempty"`
	Zone   string `json:"zone,omitempty" doc:"Its code; line is then the feature's place in the file, from 1"`
	Result string `json:"result" enum:"created,updated,unchanged,failed"`
	Field  string `json:"field,omitempty" doc:"The column at fault"`
	Code   string `json:"code,omitempty" doc:"Why the row failed; the same in every language"`
	Detail string `json:"detail,omitempty" doc:"What is wrong and how to mend it, in the language of Accept-Language (vi, en)"`
}

// importInput is an upload. What stands in the address holds as in the form.
type importInput struct {
	DryRun      bool   `query:"dryRun"`
	Credentials bool   `query:"credentials"`
	Language    string `header:"Accept-Language"`
	RawBody     multipart.Form
}

type importStarted struct {
	Location string `header:"Location"`
	Body     Import
}

type importID struct {
	ID       string `path:"id"`
	Rows     string `query:"rows" enum:"all,failed,none" default:"all"`
	Language string `header:"Accept-Language"`
}

func (s *Server) importing() {
	register(s, huma.Operation{OperationID: "start-import", Method: http.MethodPost, Path: base + "/imports", DefaultStatus: http.StatusAccepted,
		Summary: "Import devices, models or zones", Tags: []string{"imports"}, Middlewares: huma.Middlewares{s.wantForm},
		Description: "multipart/form-data: kind is devices (one CSV or XLSX file) or models (YAML files, with the codec files that they name; for those who may write the catalogue); " +
			"file, once or more; dryRun=true changes nothing and tells what would become of each row; credentials=true makes a secret for each device that has none. At most 32 MiB.\n\n" +
			"kind zones (one GeoJSON file; for the city's administrators) takes more fields: zoneKind (as ward) and validFrom (as 2025-07-01), both required; codeProperty, nameProperty, nameEnProperty and parentProperty, " +
			"the names of the features' properties (code, name, name_en, parent); crs, the EPSG code of the coordinates (4326, or one of VN-2000 as 5897); repair=true mends faulty rings.",
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
			http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, access.ThingWrite, s.startImport)
	register(s, huma.Operation{OperationID: "list-imports", Method: http.MethodGet, Path: base + "/imports",
		Summary: "The imports that are kept, newest first", Tags: []string{"imports"},
	}, access.ThingWrite, func(ctx context.Context, _ *struct{}) (*collected[Import], error) {
		var items []Import
		for _, state := range s.o.Imports.List(ctx) {
			items = append(items, importOf(&state))
		}
		return collection(items, ""), nil
	})
	register(s, huma.Operation{OperationID: "get-import", Method: http.MethodGet, Path: base + "/imports/{id}",
		Summary: "How far an import is", Tags: []string{"imports"}, Errors: []int{http.StatusNotFound},
	}, access.ThingWrite, s.getImport)
	s.importTables()
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

func (s *Server) startImport(ctx context.Context, in *importInput) (*importStarted, error) {
	upload, err := readUpload(in)
	if err != nil {
		return nil, err
	}
	if scope, ok := access.PrincipalOf(ctx).Scope(access.CatalogueWrite); upload.Kind == imports.Models && (!ok || !scope.All) {
		return nil, fmt.Errorf("kind: models are shared by all organisations and changed by the city's administrators: %w", devices.ErrForbidden)
	}
	if _, ok := access.PrincipalOf(ctx).Scope(access.ZoneEdit); upload.Kind == imports.Zones && !ok {
		return nil, fmt.Errorf("kind: zones are shared by all organisations and changed by the city's administrators: %w", devices.ErrForbidden)
	}
	state, err := s.o.Imports.Start(ctx, upload)
	var field *devices.FieldError
	switch {
	case errors.Is(err, imports.ErrBusy):
		p := problem(http.StatusTooManyRequests, err.Error())
		p.after = 10 * time.Second
		return nil, p
	case errors.As(err, &field):
		return nil, formProblem(field.Field, imports.Text(wordsOf(in.Language), field.Code, field.Args, field.Detail))
	case err != nil:
		return nil, err
	}
	err = s.disclose(ctx, "import", "import", 0, importNote{state.ID, string(state.Kind), state.Names, state.DryRun, upload.Credentials})
	return &importStarted{base + "/imports/" + state.ID, importOf(&state)}, err
}

// importNote is what the audit log has of an import.
type importNote struct {
	ID          string   `json:"id"`
	Kind        string   `json:"kind,omitempty"`
	Files       []string `json:"files,omitempty"`
	DryRun      bool     `json:"dryRun,omitempty"`
	Credentials bool     `json:"credentials,omitempty"`
}

func wordsOf(acceptLanguage string) imports.Lang { return imports.Lang(langOf(acceptLanguage)) }

func readUpload(in *importInput) (imports.Upload, error) {
	u := imports.Upload{DryRun: in.DryRun, Credentials: in.Credentials}
	kinds := in.RawBody.Value["kind"]
	if len(kinds) != 1 {
		return u, formProblem("kind", "must be given once: devices, models or zones")
	}
	switch u.Kind = imports.Kind(kinds[0]); u.Kind {
	case imports.Devices, imports.Models:
	case imports.Zones:
		u.Zones = zoneForm(in.RawBody.Value)
	default:
		return u, formProblem("kind", fmt.Sprintf("%q is none of devices, models, zones", kinds[0]))
	}
	for name, set := range map[string]*bool{"dryRun": &u.DryRun, "credentials": &u.Credentials} {
		for _, value := range in.RawBody.Value[name] {
			if value != "true" && value != "false" {
				return u, formProblem(name, "is true or false")
			}
			*set = *set || value == "true"
		}
	}
	var err error
	u.Files, err = readFiles(&in.RawBody)
	return u, err
}

func zoneForm(values map[string][]string) *imports.ZoneForm {
	field := func(name string) string {
		if all := values[name]; len(all) > 0 {
			return all[0]
		}
		return ""
	}
	return &imports.ZoneForm{Kind: field("zoneKind"), ValidFrom: field("validFrom"), CodeProperty: field("codeProperty"),
		NameProperty: field("nameProperty"), NameEnProperty: field("nameEnProperty"), ParentProperty: field("parentProperty"),
		CRS: field("crs"), Repair: field("repair") == "true"}
}

func formProblem(field, detail string) *Problem {
	return problem(http.StatusUnprocessableEntity, field+": "+detail, FieldProblem{field, detail})
}

// readFiles reads the uploaded files whole, for the form is gone once the
// request is answered.
func readFiles(form *multipart.Form) (map[string][]byte, error) {
	files := map[string][]byte{}
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

func (s *Server) getImport(ctx context.Context, in *importID) (*shown[Import], error) {
	state, err := s.o.Imports.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out, failed, words := importOf(&state), 0, wordsOf(in.Language)
	if in.Rows == "none" {
		out.Omitted = out.Done
		return &shown[Import]{out}, nil
	}
	err = s.o.Imports.Rows(ctx, in.ID, func(r imports.Result) error {
		bad := r.Result == devices.Failed
		switch {
		case bad && failed >= keptRows, !bad && (in.Rows == "failed" || len(out.Rows)-failed >= keptRows):
			out.Omitted++
			return nil
		case bad:
			failed++
		}
		out.Rows = append(out.Rows, ImportRow{Line: r.Line, Device: r.Device, Model: r.Model, Zone: r.Zone, Result: string(r.Result),
			Field: r.Column, Code: r.Code, Detail: r.Text(words)})
		return nil
	})
	return &shown[Import]{out}, err
}

func importOf(i *imports.Import) Import {
	out := Import{ID: i.ID, Kind: string(i.Kind), State: string(i.State), DryRun: i.DryRun, Files: i.Names, By: i.By.Name,
		Started: i.Started, Error: i.Error, Total: i.Total, Done: i.Done, Created: i.Created, Updated: i.Updated,
		Unchanged: i.Unchanged, Failed: i.Failed, Secrets: i.Seed != nil && i.State == imports.Done, Rows: []ImportRow{}}
	if !i.Ended.IsZero() {
		out.Ended = &i.Ended
	}
	return out
}
