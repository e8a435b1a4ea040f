package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"
)

// quarantineCommand are the subcommands of quarantine.
type quarantineCommand struct {
	List   quarantineList   `cmd:"" help:"List refused messages, oldest first."`
	Show   quarantineShow   `cmd:"" help:"Show one message whole."`
	Replay quarantineReplay `cmd:"" help:"Send refused messages through the hub again."`
}

// quarantined is the API's picture of a refused message.
type quarantined struct {
	ID       int64     `json:"id"`
	Received time.Time `json:"received"`
	Route    string    `json:"route"`
	Topic    string    `json:"topic"`
	Device   string    `json:"device"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail"`
	Text     string    `json:"text"`
	Payload  []byte    `json:"payload"`
}

type quarantineList struct {
	client
	Reason string `help:"Only messages refused for this reason."`
	Device string `help:"Only messages of this device."`
	Limit  int    `help:"At most so many." default:"100"`
}

// quarantinePage is the API's page of refused messages.
type quarantinePage struct {
	Items  []quarantined    `json:"items"`
	Next   string           `json:"next"`
	Counts map[string]int64 `json:"counts"`
}

// Run lists.
func (q *quarantineList) Run(ctx context.Context, c *console) error {
	const most = 1000 // of a page
	query := url.Values{}
	for name, value := range map[string]string{"reason": q.Reason, "device": q.Device} {
		if value != "" {
			query.Set(name, value)
		}
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tRECEIVED\tREASON\tTOPIC\tDETAIL")
	var page quarantinePage
	for left := q.Limit; left > 0; left -= len(page.Items) {
		query.Set("limit", fmt.Sprint(min(left, most)))
		page = quarantinePage{}
		if err := q.call(ctx, "GET", "/quarantine?"+query.Encode(), "", nil, &page); err != nil {
			return err
		}
		for _, m := range page.Items {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", m.ID, m.Received.Format(time.RFC3339), m.Reason, m.Topic, m.Detail)
		}
		next, err := url.Parse(page.Next)
		if err != nil {
			return fmt.Errorf("the hub's next page: %w", err)
		}
		if page.Next == "" {
			break
		}
		query.Set("after", next.Query().Get("after"))
	}
	for _, reason := range slices.Sorted(maps.Keys(page.Counts)) {
		fmt.Fprintf(table, "\t\t%s\t%d in all\t\n", reason, page.Counts[reason])
	}
	return table.Flush()
}

type quarantineShow struct {
	client
	ID int64 `arg:"" help:"Number of the message."`
}

// Run shows.
func (q *quarantineShow) Run(ctx context.Context, c *console) error {
	var m quarantined
	if err := q.call(ctx, "GET", fmt.Sprintf("/quarantine/%d", q.ID), "", nil, &m); err != nil {
		return err
	}
	text := m.Text
	if text == "" {
		text = fmt.Sprintf("%x", m.Payload)
	}
	_, err := fmt.Fprintf(c.out, "received %s on %s (%s)\nrefused  %s: %s\n\n%s\n",
		m.Received.Format(time.RFC3339Nano), m.Topic, m.Route, m.Reason, m.Detail, text)
	return err
}

type quarantineReplay struct {
	client
	Reason string `help:"Only messages refused for this reason."`
}

// replayPage is how many messages one request replays: few enough for an
// answer in time.
const replayPage = 500

// Run replays what is there now, page by page; what is refused again stays.
func (q *quarantineReplay) Run(ctx context.Context, c *console) error {
	var done replayed
	for after := ""; ; after = done.Next {
		page, err := q.page(ctx, after)
		done.Replayed, done.Accepted, done.Refused, done.Next = done.Replayed+page.Replayed, done.Accepted+page.Accepted, done.Refused+page.Refused, page.Next
		if err != nil && done.Replayed > 0 {
			err = fmt.Errorf("after %d messages (accepted %d): %w", done.Replayed, done.Accepted, err)
		}
		if err != nil {
			return err
		}
		if done.Next == "" {
			break
		}
		fmt.Fprintf(c.err, "replayed %d so far, accepted %d\n", done.Replayed, done.Accepted)
	}
	_, err := fmt.Fprintf(c.out, "replayed %d, accepted %d, refused again %d\n", done.Replayed, done.Accepted, done.Refused)
	return err
}

// replayed is the API's picture of what became of a replay.
type replayed struct {
	Replayed, Accepted, Refused int
	Next                        string
}

func (q *quarantineReplay) page(ctx context.Context, after string) (page replayed, err error) {
	body, err := json.Marshal(map[string]any{"reason": q.Reason, "after": after, "limit": replayPage})
	if err != nil {
		return page, err
	}
	err = q.call(ctx, "POST", "/quarantine/replay", "application/json", bytes.NewReader(body), &page)
	return page, err
}
