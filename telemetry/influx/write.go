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
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"cityhub/telemetry"
)

// body is the memory of one request, used again by later ones.
type body struct {
	lines  []byte
	zipped bytes.Buffer
	zip    *gzip.Writer
}

// place is where a line of a batch belongs.
type place struct {
	group, time int64
	index       int
}

// InfluxDB works on one request with one core: a batch goes in several at once,
// each of so many lines at least, so that none of the cores waits for the last.
const (
	worthwhile = 4000
	mostPieces = 4
)

// Write sends all lines and returns when InfluxDB has them in its log. When
// it fails, some of them may be there.
func (a *Archive) Write(ctx context.Context, bucket telemetry.Bucket, lines []telemetry.Line) error {
	if err := ctx.Err(); err != nil || len(lines) == 0 {
		return err
	}
	if err := a.ensure(ctx); err != nil {
		return err
	}
	memory := a.orders.Get().(*ordering)
	defer a.orders.Put(memory)
	order := memory.bySeries(lines)
	pieces := cut(order)
	faults := make([]error, len(pieces))
	var others sync.WaitGroup
	for i, piece := range pieces[1:] {
		others.Go(func() { faults[i+1] = a.send(ctx, bucket, lines, piece) })
	}
	faults[0] = a.send(ctx, bucket, lines, pieces[0])
	others.Wait()
	if slices.ContainsFunc(faults, retryable) { // what may pass is tried again before anything is sorted out
		faults = slices.DeleteFunc(faults, func(err error) bool { return !retryable(err) })
	}
	return errors.Join(faults...)
}

func retryable(err error) bool {
	var known *telemetry.ArchiveError
	return err != nil && (!errors.As(err, &known) || known.Retryable)
}

// ordering is the memory of one order, used again by later ones.
type ordering struct {
	places []place
	series map[int64]int // group → its number, in the order of their coming
	of     []int         // by line: that number
	next   []int         // by number: how many lines, then where the next one goes
}

// bySeries gives the order of a request, the lines of one series together and
// by time: InfluxDB's cost of a batch follows its distinct series. Equal lines
// stay in their order. Lines come nearly sorted by time, so counting is enough
// for nearly all.
func (o *ordering) bySeries(lines []telemetry.Line) []place {
	o.number(lines)
	o.places = slices.Grow(o.places[:0], len(lines))[:len(lines)]
	inOrder := true
	for i := range lines {
		n := o.of[i]
		at := o.next[n]
		o.next[n]++
		o.places[at] = place{lines[i].Group, lines[i].Time, i}
		inOrder = inOrder && (at == 0 || o.places[at-1].group != lines[i].Group || o.places[at-1].time <= lines[i].Time)
	}
	if !inOrder {
		slices.SortStableFunc(o.places, func(x, y place) int {
			return cmp.Or(cmp.Compare(o.of[x.index], o.of[y.index]), cmp.Compare(x.time, y.time))
		})
	}
	return o.places
}

// number gives each series a number, and finds where its first line goes.
func (o *ordering) number(lines []telemetry.Line) {
	if o.series == nil {
		o.series = map[int64]int{}
	}
	clear(o.series)
	o.of, o.next = o.of[:0], o.next[:0]
	for i := range lines {
		n, known := o.series[lines[i].Group]
		if !known {
			n = len(o.next)
			o.series[lines[i].Group] = n
			o.next = append(o.next, 0)
		}
		o.of = append(o.of, n)
		o.next[n]++
	}
	first := 0
	for n, count := range o.next {
		o.next[n] = first
		first += count
	}
}

// cut parts an order into what goes in one request each, no series in two.
func cut(order []place) (pieces [][]place) {
	n := min(max(len(order)/worthwhile, 1), mostPieces)
	for n > 1 {
		at := len(order) / n
		for at < len(order) && order[at].group == order[at-1].group {
			at++
		}
		if at == len(order) {
			break
		}
		pieces, order = append(pieces, order[:at]), order[at:]
		n--
	}
	return append(pieces, order)
}

// encode fills the body with lines in the given order.
func (b *body) encode(lines []telemetry.Line, order []place) (err error) {
	b.lines = b.lines[:0]
	for _, p := range order {
		if b.lines, err = appendLine(b.lines, &lines[p.index]); err != nil {
			return &telemetry.ArchiveError{Err: err}
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

// send sends some of the lines in one request.
func (a *Archive) send(ctx context.Context, bucket telemetry.Bucket, lines []telemetry.Line, order []place) error {
	b := a.bodies.Get().(*body)
	if err := b.encode(lines, order); err != nil {
		a.bodies.Put(b)
		return err
	}
	payload, err := b.payload(a.gzip)
	if err != nil {
		return fmt.Errorf("compress %d bytes of lines: %w", len(b.lines), err)
	}
	name := a.buckets[bucket]
	values := url.Values{"org": {a.opts.Org}, "bucket": {name}, "precision": {"ns"}}
	err = a.post(ctx, name, "write?"+values.Encode(), payload, func(r *http.Request) {
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		if a.gzip {
			r.Header.Set("Content-Encoding", "gzip")
		}
	})
	if err == nil { // or the transport may still be reading the body
		a.bodies.Put(b)
	}
	return err
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
