package bridge

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cityhub/broker-bridge/payload"
	"cityhub/telemetry"
)

// Decoder turns messages into arrivals by one table of routes, for every edge
// of the hub alike. It is safe for concurrent use.
type Decoder struct {
	routes  []route
	runner  Runner
	models  Models
	speaker Speaker
}

// Speaker knows the senders that may speak for other devices.
type Speaker interface {
	// Gateway says of an authenticated sender that it is no device itself.
	Gateway(sender string) bool
	// Speaks says whether a gateway may send for a device, named by code or
	// DevEUI. It may for one that nobody has registered, which is then refused
	// as such.
	Speaks(gateway, device string) bool
}

// noSpeaker lets nobody speak for others.
type noSpeaker struct{}

func (noSpeaker) Gateway(string) bool        { return false }
func (noSpeaker) Speaks(string, string) bool { return false }

// NewDecoder makes a decoder; routes nil means DefaultRoutes, speaker nil that
// nobody may speak for others.
func NewDecoder(routes []Route, runner Runner, models Models, speaker Speaker) (*Decoder, error) {
	if routes == nil {
		routes = DefaultRoutes()
	}
	compiled, err := compile(routes)
	if err != nil {
		return nil, err
	}
	if speaker == nil {
		speaker = noSpeaker{}
	}
	return &Decoder{routes: compiled, runner: runner, models: models, speaker: speaker}, nil
}

// Routes are the names of all routes by which readings can arrive, and of the
// one that stands for none.
func (d *Decoder) Routes() []string {
	out := []string{noRoute}
	for _, r := range d.routes {
		if r.Format != "" {
			out = append(out, r.Name)
		}
	}
	return out
}

// Filters are the topic filters that carry readings.
func (d *Decoder) Filters() []string {
	var out []string
	for _, r := range d.routes {
		if r.Format != "" {
			out = append(out, r.Filter)
		}
	}
	return out
}

// MayPublish says whether an authenticated sender may publish to a topic: to
// those that a route knows and that name the sender itself or, when it is a
// gateway, a device that it speaks for. A gateway's reading of another device
// passes too, to be refused with a reason: a broker that only closed the
// connection would have it send the same for ever.
func (d *Decoder) MayPublish(sender, topic string) bool {
	var wild [maxWildcards]string
	r := d.find(topic, &wild)
	switch {
	case r == nil || r.Down:
		return false
	case !d.speaker.Gateway(sender):
		return wild[r.device] == sender
	}
	return r.Format != "" || d.speaker.Speaks(sender, wild[r.device])
}

// MayRetain says whether messages of a topic may be kept for those who
// subscribe later. Only a device's status is of use then; a retained reading
// would come again at every connection.
func (d *Decoder) MayRetain(topic string) bool {
	var wild [maxWildcards]string
	r := d.find(topic, &wild)
	return r != nil && r.Format == ""
}

// Ignored says of a decoded arrival that there is nothing in it to keep: a
// join, a status, an empty array. It needs no Submit.
func Ignored(a telemetry.Arrival) bool {
	return a.Refusal == nil && len(a.Measurements) == 0
}

// Arrival decodes a message by its topic. sender is the authenticated device or
// key, "" when the edge cannot know. It runs the model's JavaScript when the
// payload needs it, which may take up to the codec's time limit. The payload
// must not change afterwards. An error says that the message could not be
// looked at now, for the hub is stopping: do not acknowledge it.
func (d *Decoder) Arrival(ctx context.Context, topic string, body []byte, sender string, received time.Time) (telemetry.Arrival, error) {
	return d.ArrivalIf(ctx, topic, body, sender, received, func(*telemetry.Arrival) bool { return true })
}

// ArrivalIf is Arrival for an edge that wants to know first whom a message is
// from: admit sees the arrival before anything is decoded, and may change it.
// Where it answers false that is all that becomes of the message.
func (d *Decoder) ArrivalIf(ctx context.Context, topic string, body []byte, sender string, received time.Time, admit func(*telemetry.Arrival) bool) (telemetry.Arrival, error) {
	w := d.open(topic, body, sender, received)
	if !admit(&w.arrival) {
		return w.arrival, nil
	}
	d.decode(&w)
	err := d.finish(ctx, &w)
	return w.arrival, err
}

// ByFormat decodes a payload that came without a topic. device is the one that
// the payload is about where it does not say so itself, "" for none. Its error
// is as Arrival's.
func (d *Decoder) ByFormat(ctx context.Context, format, device string, body []byte, sender string, received time.Time) (telemetry.Arrival, error) {
	work := work{
		arrival: telemetry.Arrival{Route: format, Sender: sender, Device: device, Payload: body, Received: received},
		device:  device,
	}
	decode, ok := payload.ByName(format)
	if ok {
		work.parse(decode, payload.Input{Payload: body, Device: device, Received: received})
	} else {
		work.arrival.Refusal = &telemetry.Refusal{Reason: telemetry.NoRoute, Detail: fmt.Sprintf("format %q is not known", format)}
	}
	d.checkSender(&work)
	err := d.finish(ctx, &work)
	return work.arrival, err
}

// work is an arrival on its way: what its format could not decode itself waits
// in uplinks for the model's JavaScript.
type work struct {
	arrival telemetry.Arrival
	route   *route // nil: none
	next    string // the topic's level behind its device
	device  string // of the topic, "" when it names none
	owned   bool   // the topic's device is the sender
	uplinks []payload.Uplink
}

// open reads the topic, and nothing of the payload.
func (d *Decoder) open(topic string, body []byte, sender string, received time.Time) work {
	w := work{arrival: telemetry.Arrival{Route: noRoute, Topic: topic, Sender: sender, Payload: body, Received: received}}
	var wild [maxWildcards]string
	if w.route = d.find(topic, &wild); w.route != nil {
		w.arrival.Route, w.arrival.Device = w.route.Name, wild[w.route.device]
		w.device, w.owned, w.next = w.arrival.Device, w.route.owned, wild[w.route.device+1]
	}
	w.arrival.Payer = d.payer(sender, w.device)
	return w
}

// payer is the device that a message counts for: the sender, or where that is
// none or not known the topic's. A gateway cannot use up what is another's.
func (d *Decoder) payer(sender, device string) string {
	switch {
	case sender == "", device != "" && d.speaker.Gateway(sender) && d.speaker.Speaks(sender, device):
		return device
	case d.speaker.Gateway(sender):
		return ""
	}
	return sender
}

// decode does all but the JavaScript.
func (d *Decoder) decode(w *work) {
	switch {
	case w.route == nil:
		w.arrival.Refusal = &telemetry.Refusal{Reason: telemetry.NoRoute, Detail: "no route has a filter for this topic: add one, or publish elsewhere"}
		return
	case w.route.Format == "":
		return
	}
	port, err := portOf(w.route, w.next)
	if err != nil {
		w.arrival.Refusal = refusal(err, telemetry.Undecodable)
		return
	}
	a := &w.arrival
	w.parse(w.route.format, payload.Input{Topic: a.Topic, Payload: a.Payload, Device: w.device, FPort: port, Received: a.Received})
	d.checkSender(w)
}

func (d *Decoder) find(topic string, wild *[maxWildcards]string) *route {
	for i := range d.routes {
		if match(d.routes[i].Filter, topic, wild) {
			return &d.routes[i]
		}
	}
	return nil
}

// portOf reads the LoRaWAN port that the topics of raw bytes name.
func portOf(r *route, level string) (int, error) {
	if r.Format != raw {
		return 0, nil
	}
	port, err := strconv.ParseUint(level, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("topic: port %q is not a number from 0 to 255", level)
	}
	return int(port), nil
}

func (w *work) parse(format payload.Format, input payload.Input) {
	decoded, err := format.Decode(input)
	switch {
	case err != nil:
		w.arrival.Refusal = refusal(err, telemetry.Undecodable)
	case !decoded.Ignored:
		w.arrival.Measurements, w.uplinks = decoded.Measurements, decoded.Uplinks
	}
}

// refusal gives the refusal that an error is, or makes one with the reason.
func refusal(err error, reason telemetry.Reason) *telemetry.Refusal {
	var refused *telemetry.Refusal
	if errors.As(err, &refused) {
		return refused
	}
	return &telemetry.Refusal{Reason: reason, Detail: err.Error()}
}

// checkSender fills in the device where the payload names none, and refuses
// payloads that speak for another device than the one that sent them.
func (d *Decoder) checkSender(w *work) {
	sender := w.arrival.Sender
	gateway := sender != "" && d.speaker.Gateway(sender)
	fallback := w.device
	if fallback == "" && !gateway {
		fallback = sender
	}
	if gateway {
		sender = ""
	}
	check := func(device *string) {
		if *device == "" {
			*device = fallback
		}
		if w.arrival.Refusal == nil {
			w.arrival.Refusal = w.wrongSender(*device, sender)
			if w.arrival.Refusal == nil && gateway && !d.speaker.Speaks(w.arrival.Sender, *device) {
				w.arrival.Refusal = &telemetry.Refusal{Reason: telemetry.WrongSender, Detail: fmt.Sprintf("device: %q is not of the gateway's organisation", *device)}
			}
		}
	}
	for i := range w.arrival.Measurements {
		check(&w.arrival.Measurements[i].Device)
	}
	for i := range w.uplinks {
		check(&w.uplinks[i].Device)
	}
	if w.arrival.Refusal != nil {
		w.arrival.Measurements, w.uplinks = nil, nil
	}
}

// wrongSender refuses a device that is not the sender; nil when it may be.
// sender is "" where the edge does not know it or lets it speak for others.
func (w *work) wrongSender(device, sender string) *telemetry.Refusal {
	switch {
	case device == "":
		return &telemetry.Refusal{Reason: telemetry.Undecodable, Detail: "device: neither topic, payload nor sender says which: name it in the payload"}
	case w.owned && w.device != "" && device != w.device:
		return &telemetry.Refusal{Reason: telemetry.WrongSender, Detail: fmt.Sprintf("device: the payload names %q, its topic %q: publish to the device's own topic", device, w.device)}
	case sender != "" && device != sender:
		return &telemetry.Refusal{Reason: telemetry.WrongSender, Detail: fmt.Sprintf("device: %q sent a reading of %q: only a gateway may speak for others", sender, device)}
	}
	return nil
}
