package api

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/imports"
)

// pieceLimit is how long a client may take for one piece of a table.
const pieceLimit = 30 * time.Second

const (
	csvMedia  = "text/csv; charset=utf-8"
	xlsxMedia = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

type importTable struct {
	ID       string `path:"id"`
	Only     string `query:"only" enum:"all,failed" default:"all"`
	Secrets  bool   `query:"secrets" doc:"Hand out, once, the secrets that a done import made"`
	Language string `header:"Accept-Language"`
}

func (s *Server) importTables() {
	register(s, huma.Operation{OperationID: "get-import-rows", Method: http.MethodGet, Path: base + "/imports/{id}/rows.csv",
		Summary: "The rows of an imported device file with what became of each", Tags: []string{"imports"},
		Description: "The file's columns, then result, result_column, result_code and result_message. It can be mended and sent again.",
		Responses:   tableResponses("text/csv"), Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, access.ThingWrite, func(ctx context.Context, in *importTable) (*huma.StreamResponse, error) {
		state, err := s.o.Imports.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if state.Kind != imports.Devices {
			return nil, problem(http.StatusConflict, imports.ErrNoTable.Error())
		}
		o := imports.TableOptions{Lang: wordsOf(in.Language), Failed: in.Only == "failed"}
		return s.table("rows.csv", csvMedia, ctx, func(ctx context.Context) (func(io.Writer) error, error) {
			if in.Secrets {
				if err := s.disclose(ctx, "secrets", "import", 0, importNote{ID: in.ID}); err != nil {
					return nil, err
				}
				if o.Seed, err = s.o.Imports.TakeSeed(ctx, in.ID); err != nil {
					return nil, err
				}
			}
			return func(to io.Writer) error { return s.o.Imports.WriteTable(ctx, to, in.ID, o) }, nil
		}), nil
	})
}

func tableResponses(media ...string) map[string]*huma.Response {
	content := map[string]*huma.MediaType{}
	for _, m := range media {
		content[m] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return map[string]*huma.Response{"200": {Description: "The table", Content: content}}
}

// table answers with a file that is written while it is sent. prepare is not
// called for a HEAD, so it may do what is done once.
func (s *Server) table(name, media string, of context.Context, prepare func(context.Context) (func(io.Writer) error, error)) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		fc := humafiber.Unwrap(ctx)
		fc.Set("Content-Type", media)
		fc.Set("Content-Disposition", `attachment; filename="`+name+`"`)
		fc.Set("Cache-Control", "no-store")
		if fc.Method() == http.MethodHead {
			return
		}
		own, stop := context.WithCancel(context.WithoutCancel(of)) // the request's ends with the handler
		write, err := prepare(own)
		if err != nil {
			stop()
			fc.Response().Header.Del("Content-Disposition")
			_ = s.fail(fc, err)
			return
		}
		conn, request := fc.Context().Conn(), requestID(of)
		unhook := context.AfterFunc(s.ctx, stop)
		fc.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			defer stop()
			defer unhook()
			defer s.o.Imports.Frugal()()
			if err := write(&pieces{w, conn}); err != nil {
				s.o.Log.Error("a table was cut off", "request", request, "error", err)
				_ = conn.Close() // so that nobody takes what there is for the whole
			}
		})
	}}
}

// pieces gives each piece that is written its own time.
type pieces struct {
	w    *bufio.Writer
	conn net.Conn
}

func (p *pieces) Write(b []byte) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(pieceLimit)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

type exportInput struct {
	Format string `query:"format" enum:"csv,xlsx" default:"csv"`
}

// exporting comes before the devices' own routes, which would take its address
// for a device's.
func (s *Server) exporting() {
	register(s, huma.Operation{OperationID: "export-devices", Method: http.MethodGet, Path: base + "/devices/export",
		Summary: "All devices in the columns of an import", Tags: []string{"devices"},
		Description: "Imported again it changes nothing. It never has secrets. Text that a spreadsheet program would calculate has an apostrophe before it, which an import takes off.",
		Responses:   tableResponses("text/csv", xlsxMedia),
	}, access.ThingRead, func(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
		media, format := csvMedia, devices.CSV
		if in.Format == "xlsx" {
			media, format = xlsxMedia, devices.XLSX
		}
		return s.table("devices."+in.Format, media, ctx, func(ctx context.Context) (func(io.Writer) error, error) {
			if err := s.disclose(ctx, "export", "device", 0, nil); err != nil {
				return nil, err
			}
			return func(to io.Writer) error { return s.o.Registry.Export(ctx, to, format) }, nil
		}), nil
	})
}
