// Package register brings a simulated city's stations into a hub by the bulk
// import of its public API, in parts, so that a million are no larger a request
// than fifty thousand.
package register

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"cityhub/cmd/citysim/city"
)

// Options say where to, and how.
type Options struct {
	Hub, Key string
	Part     int                  // rows a request
	Pause    time.Duration        // between two looks at an import
	Progress func(done, of int64) // nil: none
}

// job is the API's picture of an import.
type job struct {
	ID, State, Error string
	Done, Failed     int64
}

// Run registers the stations and answers once the hub has taken all of them
// in. An error names the first part of which rows failed: repeated, it goes on
// where it was.
func Run(ctx context.Context, o Options, stations []city.Station) error {
	if o.Part < 1 {
		return fmt.Errorf("part: %d is not at least 1", o.Part)
	}
	for from := 0; from < len(stations); from += o.Part {
		part := stations[from:min(from+o.Part, len(stations))]
		began, err := o.start(ctx, part)
		if err != nil {
			return fmt.Errorf("stations %d to %d: %w", from+1, from+len(part), err)
		}
		if err := o.await(ctx, began, int64(from), int64(len(stations))); err != nil {
			return fmt.Errorf("stations %d to %d: %w", from+1, from+len(part), err)
		}
	}
	return nil
}

// start posts one part.
func (o *Options) start(ctx context.Context, part []city.Station) (id string, err error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("kind", "devices"); err != nil {
		return "", err
	}
	file, err := form.CreateFormFile("file", "stations.csv")
	if err != nil {
		return "", err
	}
	if err := city.WriteCSV(file, part); err != nil {
		return "", err
	}
	if err := form.Close(); err != nil {
		return "", err
	}
	var started job
	err = o.call(ctx, http.MethodPost, "/api/v1/imports", form.FormDataContentType(), &body, &started)
	return started.ID, err
}

// await waits until an import is done.
func (o *Options) await(ctx context.Context, id string, before, of int64) error {
	for {
		var now job
		if err := o.call(ctx, http.MethodGet, "/api/v1/imports/"+id+"?rows=none", "", nil, &now); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(before+now.Done, of)
		}
		switch {
		case now.State == "failed":
			return fmt.Errorf("import %s: %s", id, now.Error)
		case now.State == "done" && now.Failed > 0:
			return fmt.Errorf("import %s: %d rows failed; GET /api/v1/imports/%s/rows.csv?only=failed tells why", id, now.Failed, id)
		case now.State == "done":
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.Pause):
		}
	}
}

func (o *Options) call(ctx context.Context, method, path, contentType string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, o.Hub+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+o.Key)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1_000)) // the status alone tells enough
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
