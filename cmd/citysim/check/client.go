package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// client speaks the hub's public API and nothing else.
type client struct {
	http *http.Client
	hub  *url.URL
	key  string
}

// page is one part of a collection.
type page struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next"`
}

// errStatus is an answer other than 200.
type errStatus struct {
	code int
	url  string
	body string
}

func (e *errStatus) Error() string {
	return fmt.Sprintf("GET %s: %d %s", e.url, e.code, e.body)
}

func notFound(err error) bool {
	var status *errStatus
	return errors.As(err, &status) && status.code == http.StatusNotFound
}

// get reads one answer into v and gives the link to the next page, if any. A
// hub that is starting again or busy is asked again for a while.
func (c *client) get(ctx context.Context, u *url.URL, v any) (next string, err error) {
	for try := 0; ; try++ {
		next, err = c.once(ctx, u, v)
		var status *errStatus
		refused := errors.As(err, &status) && status.code < 500 && status.code != http.StatusTooManyRequests
		if err == nil || refused || try == 5 || ctx.Err() != nil {
			return next, err
		}
		pause(ctx, 200*time.Millisecond<<try)
	}
}

func (c *client) once(ctx context.Context, u *url.URL, v any) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	request.Header.Set("Accept", "application/json")
	answer, err := c.http.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		return "", &errStatus{answer.StatusCode, u.String(), strings.TrimSpace(string(body))}
	}
	decoder := json.NewDecoder(answer.Body)
	if err := decoder.Decode(v); err != nil {
		return "", fmt.Errorf("GET %s: answer: %w", u, err)
	}
	return linkNext(answer.Header), nil
}

// each calls do with every item of a collection, page by page.
func (c *client) each(ctx context.Context, path string, query url.Values, do func(json.RawMessage) error) error {
	u := c.hub.JoinPath("/api/v1", path)
	u.RawQuery = query.Encode()
	for {
		var p page
		link, err := c.get(ctx, u, &p)
		if err != nil {
			return err
		}
		for _, item := range p.Items {
			if err := do(item); err != nil {
				return fmt.Errorf("GET %s: %w", u, err)
			}
		}
		following, err := nextPage(u, link, p.Next)
		if err != nil || following == nil {
			return err
		}
		if following.String() == u.String() {
			return fmt.Errorf("GET %s: the next page is this page again", u)
		}
		u = following
	}
}

// nextPage finds the way on: a Link header, else `next` as an address, else
// `next` as a cursor. It gives nil at the end.
func nextPage(at *url.URL, link, next string) (*url.URL, error) {
	if link != "" {
		return at.Parse(link)
	}
	if strings.HasPrefix(next, "/") || strings.HasPrefix(next, "?") || strings.Contains(next, "://") {
		return at.Parse(next)
	}
	if next == "" {
		return nil, nil
	}
	u := *at
	query := u.Query()
	query.Set("after", next)
	u.RawQuery = query.Encode()
	return &u, nil
}

// linkNext gives the target of a header like `Link: <…>; rel="next"`.
func linkNext(header http.Header) string {
	for _, value := range header.Values("Link") {
		for link := range strings.SplitSeq(value, ",") {
			target, parameters, _ := strings.Cut(link, ";")
			if strings.Contains(parameters, `rel="next"`) || strings.Contains(parameters, "rel=next") {
				return strings.Trim(strings.TrimSpace(target), "<>")
			}
		}
	}
	return ""
}

// spooled gives the number of readings that wait in the hub's spool.
func (c *client) spooled(ctx context.Context) (int64, error) {
	var status struct {
		Spool struct {
			Readings *int64 `json:"readings"`
		} `json:"spool"`
	}
	if _, err := c.get(ctx, c.hub.JoinPath("/api/v1/status"), &status); err != nil {
		return 0, err
	}
	if status.Spool.Readings == nil {
		return 0, errors.New("GET /api/v1/status: answer has no spool.readings")
	}
	return *status.Spool.Readings, nil
}

// datastreams gives the ids of a device's datastreams of a property; none
// when the hub does not know the device.
func (c *client) datastreams(ctx context.Context, device, property string) ([]int64, error) {
	var ids []int64
	query := url.Values{"device": {device}, "property": {property}}
	err := c.each(ctx, "datastreams", query, func(raw json.RawMessage) error {
		var item struct {
			ID int64 `json:"id"`
		}
		err := json.Unmarshal(raw, &item)
		ids = append(ids, item.ID)
		return err
	})
	if notFound(err) {
		return nil, nil
	}
	return ids, err
}

// observation is one reading as the hub tells it.
type observation struct {
	id     int64
	stream int64
	time   int64
	value  float64
}

// observations gives a datastream's readings within [from, to], nanoseconds.
func (c *client) observations(ctx context.Context, stream, from, to int64, limit int) ([]observation, error) {
	var all []observation
	query := url.Values{
		// A second on both sides, so that it does not matter whether ends count.
		"datetime": {instant(from-1e9) + "/" + instant(to+1e9)},
		"limit":    {strconv.Itoa(limit)},
	}
	path := "datastreams/" + strconv.FormatInt(stream, 10) + "/observations"
	err := c.each(ctx, path, query, func(raw json.RawMessage) error {
		o, err := readObservation(raw)
		o.stream = stream
		all = append(all, o)
		return err
	})
	return all, err
}

func readObservation(raw json.RawMessage) (observation, error) {
	var item struct {
		ID     int64       `json:"id"`
		Time   string      `json:"phenomenonTime"`
		Result json.Number `json:"result"`
	}
	if err := json.Unmarshal(raw, &item); err != nil {
		return observation{}, err
	}
	begin, _, _ := strings.Cut(item.Time, "/")
	at, err := time.Parse(time.RFC3339Nano, begin)
	if err != nil {
		return observation{}, fmt.Errorf("phenomenonTime: %w", err)
	}
	value, err := item.Result.Float64()
	if err != nil {
		return observation{}, fmt.Errorf("result: %w", err)
	}
	return observation{id: item.ID, time: at.UnixNano(), value: value}, nil
}

func instant(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano) }

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
