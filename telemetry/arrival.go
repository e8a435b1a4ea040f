package telemetry

import "time"

// Arrival is one message as it came in: decoded, or refused by its format.
type Arrival struct {
	Route        string // the route's name: a metric's label, so from a closed set
	Topic        string
	Device       string // the one that the topic names, "" when it names none
	Sender       string // the authenticated device or key, "" when the edge cannot know
	Payload      []byte // must not change after Submit
	Received     time.Time
	Measurements []Measurement
	Refusal      *Refusal // why it could not be decoded; nil otherwise
	Answerable   bool     // the sender is told of refusals, so nothing is quarantined

	Payer string // the device whose quota it counts for whatever is in it, "" when only its measurements can tell
	Paid  int64  // the id of the Payer once it was charged
	Held  bool   // all whom it names were charged, and its sender has waited as it had to
}

// Receipt tells what became of an arrival, once that is durable.
type Receipt struct {
	// Err is set when nothing was kept: do not acknowledge.
	Err error
	// Refusals has an entry for every measurement, nil where it was accepted;
	// one entry for an arrival that was refused whole.
	Refusals []*Refusal
}
