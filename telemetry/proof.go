package telemetry

import (
	"context"
	"errors"
	"strings"
	"time"

	"cityhub/devices"
)

// Verdict is the short answer of a proof of life.
type Verdict string

// The verdicts.
const (
	Alive   Verdict = "alive"   // a good reading came since the device was deployed
	Waiting Verdict = "waiting" // nothing came yet, and nothing is known to be wrong
	Faulty  Verdict = "faulty"  // something came, and it is wrong; or nothing can come
)

// Trouble is what is wrong. The set is closed: people are told in their words.
type Trouble string

// The troubles; "" is none.
const (
	NeverConnected   Trouble = "never_connected"
	NothingPublished Trouble = "nothing_published" // it connected
	NothingHeard     Trouble = "nothing_heard"     // whether it connected cannot be seen from here
	BadLogin         Trouble = "wrong_credentials"
	BadTopic         Trouble = "wrong_topic"
	BadSender        Trouble = "wrong_sender"
	BadPayload       Trouble = "undecodable"
	BadValues        Trouble = "out_of_range"
	BadClock         Trouble = "wrong_clock"
	Undeployed       Trouble = "not_deployed"
)

// Proof says whether a device lives since it was deployed.
type Proof struct {
	Verdict    Verdict
	Trouble    Trouble   // the newest since the last good reading
	Since      time.Time // of the trouble; zero where it has no instant
	Detail     string    // of the trouble, in the hub's or the sender's words; may be ""
	Deployment devices.Deployment
	Station    *devices.Station // nil: not deployed
	Signs      SignsOf
	First      *GoodReading // nil: none yet
	Channels   []ChannelProof
	Offset     *time.Duration // newest reading's phenomenonTime − receivedTime; nil: not known, or its time is the hub's
	Readings   int            // accepted messages since the deployment, as far as counted
	More       bool           // counting stopped at Readings
	Missing    int64          // sequence numbers that never arrived
	Health     DeviceHealth
	ArchiveErr error // the archive could not be asked: First and Readings tell of the hub's memory alone
}

// GoodReading is a reading in range and with a sound clock.
type GoodReading struct {
	Time     time.Time // phenomenonTime
	Received time.Time // zero: not known any more
	Fields   []Field
}

// ChannelProof is the newest value of one channel since the deployment.
type ChannelProof struct {
	Channel devices.Channel
	Told    bool
	Value   LatestValue // zero unless Told
}

// Standing finds where a device stands now: ErrNotDeployed when nowhere.
type Standing interface {
	Standing(ctx context.Context, device int64) (devices.Deployment, devices.Target, error)
}

// Prover proves life from what the rooms know. All fields are required.
type Prover struct {
	Registry   Standing
	Latest     *Latest
	Health     *Health
	Sequences  *Sequences
	Archive    Archive
	Quarantine Quarantine
	Signs      *Signs
	Now        func() time.Time
}

// Names are what a device may call itself.
func Names(d *devices.Device) []string {
	if d.DevEUI == "" {
		return []string{d.Code}
	}
	return []string{d.Code, d.DevEUI, strings.ToLower(d.DevEUI)}
}

// Prove proves a device's life in its present deployment.
func (p *Prover) Prove(ctx context.Context, d *devices.Device) (Proof, error) {
	out := Proof{Signs: p.Signs.Of(Names(d)...), Missing: p.Sequences.Missing(d.ID)}
	out.Health, _ = p.Health.Of(d.ID)
	deployment, target, err := p.Registry.Standing(ctx, d.ID)
	if errors.Is(err, devices.ErrNotDeployed) {
		out.Verdict, out.Trouble = Faulty, Undeployed
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Deployment, out.Station = deployment, target.Station
	newest := p.newest(&out, target)
	s := scan{proof: &out}
	out.ArchiveErr = s.read(ctx, p.Archive, target.Series.ID, deployment.From, p.Now().Add(time.Hour))
	if newest != nil {
		out.Readings = max(out.Readings, 1) // it may still be on its way into the archive
		if out.First == nil && good(newest) {
			out.First = readingOf(newest)
		}
	}
	refused, err := p.refused(ctx, d, &out)
	if err != nil {
		return out, err
	}
	out.judge(newest, refused, p.Signs.Connections && d.DevEUI == "")
	return out, nil
}

// newest gathers the newest value of every channel, and gives the newest
// instant as a line; nil when there is none since the deployment.
func (p *Prover) newest(out *Proof, target devices.Target) *Line {
	from := out.Deployment.From.UnixNano()
	var line *Line
	for _, c := range target.Model.Sensor.Channels {
		v, ok := p.Latest.At(c.Property, target.Series.ID)
		ok = ok && v.Time >= from
		if !ok {
			v = LatestValue{}
		}
		out.Channels = append(out.Channels, ChannelProof{c, ok, v})
		if !ok || (line != nil && v.Time < line.Time) {
			continue
		}
		if line == nil || v.Time > line.Time {
			line = &Line{Time: v.Time, Received: v.Received}
		}
		line.Quality |= v.Quality
		line.Fields = append(line.Fields, Field{Property: c.Property, Slot: c.Slot, Value: v.Value, Quality: v.Quality})
	}
	if line != nil && line.Received != 0 && line.Quality&ClockCorrected == 0 {
		offset := time.Duration(line.Time - line.Received)
		out.Offset = &offset
	}
	return line
}

// good says that a line is in range and came when it was measured.
func good(l *Line) bool {
	all := l.Quality
	for i := range l.Fields {
		all |= l.Fields[i].Quality
	}
	return all&(OutOfRange|Late) == 0 && len(l.Fields) > 0
}

func readingOf(l *Line) *GoodReading {
	g := &GoodReading{Time: time.Unix(0, l.Time).UTC(), Fields: copyLine(l).Fields}
	if l.Received != 0 {
		g.Received = time.Unix(0, l.Received).UTC()
	}
	return g
}

const (
	scanPage = 500
	scanMost = 2_000 // lines looked at: whoever asks is waiting
)

// scan looks for the first good reading in the archive, and counts.
type scan struct{ proof *Proof }

func (s *scan) read(ctx context.Context, archive Archive, group int64, from, to time.Time) error {
	q := Query{Bucket: Raw, Groups: []int64{group}, From: from.UnixNano(), To: to.UnixNano(), Limit: scanPage}
	for s.proof.Readings < scanMost {
		found := 0
		err := archive.Read(ctx, q, func(l *Line) error {
			found++
			s.proof.Readings++
			if s.proof.First == nil && good(l) {
				s.proof.First = readingOf(l)
			}
			q.From = l.Time + 1
			return nil
		})
		if err != nil || found < scanPage {
			return err
		}
	}
	s.proof.More = true
	return nil
}

// refused finds the newest refusal: since the hub's start in memory, from
// before in the quarantine.
func (p *Prover) refused(ctx context.Context, d *devices.Device, out *Proof) (Sign, error) {
	last := out.Signs[Refused]
	if !last.At.IsZero() {
		return last, nil
	}
	for _, name := range Names(d) {
		found, err := p.Quarantine.List(ctx, QuarantineFilter{Device: name, Newest: true, Limit: 1})
		if err != nil {
			return last, err
		}
		if len(found) == 1 && found[0].Received.After(last.At) {
			last = Sign{Kind: Refused, At: found[0].Received, Reason: found[0].Reason, Detail: found[0].Detail}
		}
	}
	return last, nil
}
