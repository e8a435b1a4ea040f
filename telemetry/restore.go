package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrNotKept says that the spool does not keep at present; it may later.
var ErrNotKept = errors.New("the hub cannot keep it now; try again later")

// refusedLine keeps a line that the archive refused, as a record that Restore
// takes; the detail says what it holds.
func refusedLine(l *Line, cause error, now time.Time) Quarantined {
	values := map[string]any{}
	for _, f := range l.Fields {
		switch f.Value.Kind {
		case Text:
			values[f.Property] = f.Value.Text
		case Boolean:
			values[f.Property] = f.Value.Num != 0
		default:
			values[f.Property] = strconv.FormatFloat(f.Value.Num, 'g', -1, 64) // JSON has no NaN
		}
	}
	words, _ := json.Marshal(map[string]any{"group": l.Group, "time": time.Unix(0, l.Time).UTC(), "values": values})
	return Quarantined{Received: now, Route: "archive", Payload: appendRecord(nil, []Line{*l}, nil), Reason: NotArchivable,
		Detail: clip(cause.Error(), maxDetail) + " (the line: " + clip(string(words), maxDetail) + ")"}
}

// unreadable keeps a record whole for the program that can read it.
func unreadable(kept Kept, cause error, now time.Time) Quarantined {
	return Quarantined{Received: now, Route: "spool", Payload: kept.Data, Reason: NotArchivable,
		Detail: fmt.Sprintf("%v: it holds %d readings; start the newer program that wrote it, and replay it there", cause, kept.Readings)}
}

// Restore puts what was quarantined as NotArchivable on its way to the archive
// once more, as it was accepted and with its ids, and gives the ids of the
// items that it took. It leaves those that it cannot read. What the archive
// refuses again comes back as a new item.
func (p *Pipeline) Restore(ctx context.Context, items []Quarantined) (taken []int64, err error) {
	var lines []Line
	var refused []Quarantined
	for i := range items {
		more, also, err := readRecord(items[i].Payload)
		if err != nil {
			continue
		}
		lines, refused = append(lines, more...), append(refused, also...)
		taken = append(taken, items[i].ID)
	}
	if len(taken) == 0 {
		return nil, nil
	}
	if err := p.o.Spool.Append(ctx, appendRecord(nil, lines, refused), len(lines)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	p.o.Counters.restored(int64(len(lines)))
	return taken, nil
}
