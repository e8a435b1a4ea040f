package influx

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"

	"cityhub/telemetry"
)

// body is the memory of one write, used again by later ones.
type body struct {
	order  []place
	lines  []byte
	zipped bytes.Buffer
	zip    *gzip.Writer
}

// place is where a line of a batch belongs.
type place struct {
	group, time int64
	index       int
}

// Write sends all lines in one request and returns when InfluxDB has them in
// its log. A refusal for good may have kept some of the lines.
func (a *Archive) Write(ctx context.Context, bucket telemetry.Bucket, lines []telemetry.Line) error {
	if err := ctx.Err(); err != nil || len(lines) == 0 {
		return err
	}
	b := a.bodies.Get().(*body)
	if err := b.encode(lines); err != nil {
		a.bodies.Put(b)
		return &telemetry.ArchiveError{Err: err}
	}
	if err := a.ensure(ctx); err != nil {
		a.bodies.Put(b)
		return err
	}
	if err := a.send(ctx, a.buckets[bucket], b); err != nil {
		return err // the transport may still be reading the body: it is not used again
	}
	a.bodies.Put(b)
	return nil
}

// encode fills the body, the lines of one series together: InfluxDB's cost of
// a batch follows its distinct series. Equal lines stay in their order.
func (b *body) encode(lines []telemetry.Line) error {
	b.order = b.order[:0]
	for i := range lines {
		b.order = append(b.order, place{lines[i].Group, lines[i].Time, i})
	}
	slices.SortFunc(b.order, func(x, y place) int {
		return cmp.Or(cmp.Compare(x.group, y.group), cmp.Compare(x.time, y.time), cmp.Compare(x.index, y.index))
	})
	b.lines = b.lines[:0]
	for _, p := range b.order {
		var err error
		if b.lines, err = appendLine(b.lines, &lines[p.index]); err != nil {
			return err
		}
	}
	return nil
}

// payload gives the bytes to send.
func (b *body) payload(zipped bool) ([]byte, error) {
	if !zipped {
		return b.lines, nil
	}
	b.zipped.Reset()
	if b.zip == nil {
		var err error
		if b.zip, err = gzip.NewWriterLevel(&b.zipped, gzip.BestSpeed); err != nil {
			return nil, err
		}
	}
	b.zip.Reset(&b.zipped)
	_, err := b.zip.Write(b.lines)
	err = errors.Join(err, b.zip.Close())
	return b.zipped.Bytes(), err
}

func (a *Archive) send(ctx context.Context, bucket string, b *body) error {
	payload, err := b.payload(a.gzip)
	if err != nil {
		return fmt.Errorf("compress %d bytes of lines: %w", len(b.lines), err)
	}
	values := url.Values{"org": {a.opts.Org}, "bucket": {bucket}, "precision": {"ns"}}
	return a.post(ctx, bucket, "write?"+values.Encode(), payload, func(r *http.Request) {
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		if a.gzip {
			r.Header.Set("Content-Encoding", "gzip")
		}
	})
}

// post sends a request whose answer has no content, within the write timeout.
func (a *Archive) post(ctx context.Context, bucket, path string, payload []byte, prepare func(*http.Request)) error {
	limited, cancel := context.WithTimeout(ctx, a.opts.WriteTimeout)
	defer cancel()
	err := a.client.HTTPService().DoPostRequest(limited, a.apiURL+path, bytes.NewReader(payload), prepare,
		func(r *http.Response) error {
			_, err := io.Copy(io.Discard, r.Body)
			return errors.Join(err, r.Body.Close())
		})
	return a.failure(ctx, bucket, err)
}

// Delete removes the lines of a group in [from, to).
func (a *Archive) Delete(ctx context.Context, bucket telemetry.Bucket, group, from, to int64) error {
	if err := a.ensure(ctx); err != nil {
		return err
	}
	from, last := max(from, minTime), min(to, maxTime+1)-1
	if from > last || to <= from {
		return nil
	}
	request, err := json.Marshal(map[string]string{
		"start":     formatTime(from),
		"stop":      formatTime(last), // InfluxDB deletes it too
		"predicate": `_measurement="observation" AND g="` + strconv.FormatInt(group, 10) + `"`,
	})
	if err != nil {
		return fmt.Errorf("delete group %d: %w", group, err)
	}
	values := url.Values{"org": {a.opts.Org}, "bucket": {a.buckets[bucket]}}
	return a.post(ctx, a.buckets[bucket], "delete?"+values.Encode(), request, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json")
	})
}

// formatTime writes an instant as Flux and the delete call read it.
func formatTime(t int64) string { return time.Unix(0, t).UTC().Format(time.RFC3339Nano) }
