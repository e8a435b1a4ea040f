package api

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

// Proof says whether a device lives since it was deployed, and otherwise what
// is wrong and what to do next.
type Proof struct {
	Device     string           `json:"device"`
	DeviceID   int64            `json:"deviceId"`
	Verdict    string           `json:"verdict" enum:"alive,waiting,faulty" doc:"alive: a good reading came since the deployment; waiting: nothing came yet and nothing is known to be wrong; faulty: something is wrong"`
	Problem    *ProofProblem    `json:"problem,omitempty" doc:"What has been wrong since the last good reading"`
	Deployment *ProofDeployment `json:"deployment,omitempty"`
	Connection ProofConnection  `json:"connection"`
	First      *ProofReading    `json:"firstGood,omitempty" doc:"The first reading since the deployment that is in range and not late"`
	Signal     ProofSignal      `json:"signal"`
	Channels   []ProofChannel   `json:"channels" nullable:"false" doc:"Newest value of each channel since the deployment, and whether it is in range"`
	Readings   int              `json:"readings" doc:"Accepted messages since the deployment"`
	More       bool             `json:"more,omitempty" doc:"Counting stopped; there are more readings"`
	Missing    int64            `json:"missing" doc:"Sequence numbers that never arrived, since the hub started"`
	Offset     *float64         `json:"clockOffset,omitempty" doc:"Seconds by which the device's clock is ahead, from its newest reading; absent where the device tells no time"`
	Archive    string           `json:"archive,omitempty" doc:"Why readings from before the hub's start are not taken into account"`
}

// ProofProblem is what is wrong, in words.
type ProofProblem struct {
	Code   string     `json:"code" enum:"never_connected,nothing_published,nothing_heard,wrong_credentials,wrong_topic,wrong_sender,undecodable,out_of_range,wrong_clock,not_deployed"`
	Since  *time.Time `json:"since,omitempty"`
	Detail string     `json:"detail,omitempty" doc:"The topic, or what the hub says of the message"`
	Text   Words      `json:"text"`
	Next   Words      `json:"next" doc:"What to do"`
}

// Words are the same in the hub's languages.
type Words struct {
	English    string `json:"en"`
	Vietnamese string `json:"vi"`
}

// ProofDeployment is where the device stands.
type ProofDeployment struct {
	ID      int64     `json:"id"`
	Thing   string    `json:"thing"`
	ThingID int64     `json:"thingId"`
	From    time.Time `json:"from"`
	Visit   bool      `json:"underMaintenance,omitempty" doc:"A visit is open at the thing"`
}

// ProofConnection is the device's connection to the embedded broker.
type ProofConnection struct {
	State string     `json:"state" enum:"connected,disconnected,never,unknown" doc:"unknown: the device connects to another broker or by a network server, which does not tell"`
	Since *time.Time `json:"since,omitempty" doc:"Of the present state"`
	From  time.Time  `json:"knownSince" doc:"The hub's start: nothing is known of connections before"`
}

// ProofReading is one reading with all its values.
type ProofReading struct {
	Time     time.Time      `json:"time"`
	Received *time.Time     `json:"received,omitempty" doc:"Absent where it is not known any more"`
	Values   map[string]any `json:"values" doc:"By property"`
}

// ProofSignal is how the last message travelled.
type ProofSignal struct {
	Received *time.Time `json:"received,omitempty"`
	Battery  *float64   `json:"battery,omitempty" doc:"Percent"`
	RSSI     *float64   `json:"rssi,omitempty" doc:"dBm"`
	SNR      *float64   `json:"snr,omitempty" doc:"dB"`
}

// ProofChannel is the newest value of a channel.
type ProofChannel struct {
	Key      string     `json:"key"`
	Property string     `json:"property"`
	Unit     string     `json:"unit,omitempty"`
	Range    []*float64 `json:"range,omitempty" doc:"[lowest, highest]; null is open"`
	Check    string     `json:"check" enum:"ok,out_of_range,missing"`
	Value    any        `json:"value,omitempty"`
	Time     *time.Time `json:"time,omitempty"`
}

func (s *Server) proofOfLife() {
	register(s, huma.Operation{OperationID: "get-device-proof", Method: http.MethodGet, Path: base + "/devices/{id}/proof",
		Summary: "Whether a device lives since it was deployed", Tags: []string{"devices"}, Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.QuarantineView, func(ctx context.Context, in *ByID) (*shown[Proof], error) {
		device, err := s.ownDevice(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		out, err := s.prove(ctx, &device)
		return &shown[Proof]{out}, err
	})
	s.proofStream()
}

func (s *Server) prove(ctx context.Context, d *devices.Device) (Proof, error) {
	p, err := s.prover.Prove(ctx, d)
	if err != nil {
		return Proof{}, err
	}
	out := Proof{Device: d.Code, DeviceID: d.ID, Verdict: string(p.Verdict), Problem: problemWords(&p), Connection: s.connectionOf(&p),
		Channels: make([]ProofChannel, 0, len(p.Channels)), Readings: p.Readings, More: p.More, Missing: p.Missing,
		Signal: ProofSignal{Battery: p.Health.Radio.Battery, RSSI: p.Health.Radio.RSSI, SNR: p.Health.Radio.SNR}}
	if p.Health.LastReceived != 0 {
		out.Signal.Received = instant(time.Unix(0, p.Health.LastReceived))
	}
	if p.Station != nil {
		_, visited := p.Station.Visited()
		out.Deployment = &ProofDeployment{p.Deployment.ID, p.Station.Code, p.Station.ID, p.Deployment.From.UTC(), visited}
	}
	if p.First != nil {
		out.First = &ProofReading{Time: p.First.Time, Received: instant(p.First.Received), Values: map[string]any{}}
		for _, f := range p.First.Fields {
			out.First.Values[f.Property] = plain(f.Value)
		}
	}
	for i := range p.Channels {
		out.Channels = append(out.Channels, proofChannel(&p.Channels[i]))
	}
	if p.Offset != nil {
		seconds := math.Round(p.Offset.Seconds()*1000) / 1000
		out.Offset = &seconds
	}
	if p.ArchiveErr != nil {
		out.Archive = problemOf(p.ArchiveErr).Detail
	}
	return out, nil
}

func proofChannel(p *telemetry.ChannelProof) ProofChannel {
	c := ProofChannel{Key: p.Channel.Key, Property: p.Channel.Property, Unit: p.Channel.Unit, Check: "missing"}
	if p.Channel.Kind == devices.Number && (!math.IsInf(p.Channel.Lo, 0) || !math.IsInf(p.Channel.Hi, 0)) {
		c.Range = []*float64{bound(p.Channel.Lo), bound(p.Channel.Hi)}
	}
	if !p.Told {
		return c
	}
	c.Value, c.Time, c.Check = plain(p.Value.Value), instant(time.Unix(0, p.Value.Time)), "ok"
	if p.Value.Quality&telemetry.OutOfRange != 0 {
		c.Check = "out_of_range"
	}
	return c
}

func bound(v float64) *float64 {
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// plain is a value as JSON writes it.
func plain(v telemetry.Value) any {
	switch v.Kind {
	case telemetry.Text:
		return v.Text
	case telemetry.Boolean:
		return v.Num != 0
	}
	return v.Num
}

func (s *Server) connectionOf(p *telemetry.Proof) ProofConnection {
	signs := s.o.Signs
	c := ProofConnection{State: "unknown", From: signs.Since.UTC()}
	came, went := p.Signs[telemetry.Connected].At, p.Signs[telemetry.Gone].At
	switch {
	case came.IsZero() && p.Trouble == telemetry.NeverConnected:
		c.State = "never"
	case came.IsZero():
	case went.After(came):
		c.State, c.Since = "disconnected", instant(went)
	default:
		c.State, c.Since = "connected", instant(came)
	}
	return c
}
