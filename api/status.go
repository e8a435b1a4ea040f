package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/telemetry"
)

// Status is how the hub fares, as its wiring knows it.
type Status struct {
	Version string
	Started time.Time
	Broker  BrokerStatus
	Archive telemetry.ArchiveState
	Spool   SpoolStatus
	Intake  telemetry.KeepState
	Totals  telemetry.Totals
	Queued  int64 // accepted readings that are not yet archived
}

// BrokerStatus is how the connection to the broker fares.
type BrokerStatus struct {
	Connected      bool      `json:"connected"`
	Since          time.Time `json:"since" doc:"Of the present state"`
	SessionLost    int64     `json:"sessionLost" doc:"How often the broker forgot the hub's session"`
	Unacknowledged int       `json:"unacknowledged" doc:"Messages that wait for the spool"`
}

// SpoolStatus is what waits between acknowledge and archive.
type SpoolStatus struct {
	Readings      int64   `json:"readings"`
	Bytes         int64   `json:"bytes"`
	OldestSeconds float64 `json:"oldestSeconds" doc:"Age of the oldest; 0 when nothing waits"`
	SetAside      int64   `json:"setAside" doc:"Damaged spans, kept beside the spool"`
}

// StatusBody is how the hub fares.
type StatusBody struct {
	Version  string         `json:"version"`
	Started  time.Time      `json:"started"`
	Zone     string         `json:"zone" doc:"The city's time zone, in which days are cut"`
	Broker   BrokerStatus   `json:"broker"`
	Archive  ArchiveStatus  `json:"archive"`
	Spool    SpoolStatus    `json:"spool"`
	Intake   IntakeStatus   `json:"intake"`
	Counters CounterStatus  `json:"counters"`
	Sequence SequenceStatus `json:"sequence"`
	Registry RegistryStatus `json:"registry"`
	Live     LiveStatus     `json:"live"`
	// Stations with a value, by property.
	Properties map[string]int `json:"properties" doc:"Datastreams with a value, by property"`
}

// ArchiveStatus is how the archive fares.
type ArchiveStatus struct {
	Up      bool   `json:"up"`
	Fault   string `json:"fault,omitempty"`
	Retries int64  `json:"retries"`
}

// IntakeStatus is how the way into the spool fares.
type IntakeStatus struct {
	Failing string     `json:"failing,omitempty" doc:"Why nothing is acknowledged; absent while all is well"`
	Since   *time.Time `json:"since,omitempty"`
	Pending int        `json:"pending"`
}

// CounterStatus are the counters since the start, and whether they add up.
type CounterStatus struct {
	Received        map[string]int64 `json:"received" doc:"By route"`
	Accepted        int64            `json:"accepted"`
	Stored          int64            `json:"stored"`
	Queued          int64            `json:"queued"`
	Duplicates      int64            `json:"duplicates"`
	Rejected        map[string]int64 `json:"rejected" doc:"Told to the sender, by reason"`
	Quarantined     map[string]int64 `json:"quarantined" doc:"By reason"`
	QuarantinedLate map[string]int64 `json:"quarantinedLate" doc:"Accepted, then refused by the archive; by reason"`
	Dropped         map[string]int64 `json:"dropped" doc:"By reason"`
	UnknownKeys     int64            `json:"unknownKeys" doc:"Keys of payloads that are no channel"`
	Forgotten       int64            `json:"quarantineDropped" doc:"Messages that a full quarantine gave up for newer ones"`
	Balanced        Balanced         `json:"balanced"`
}

// Balanced says whether the conservation equations hold at this moment; a
// reading between two counters makes them fail for an instant.
type Balanced struct {
	Received bool `json:"received" doc:"received = accepted + quarantined + rejected"`
	Accepted bool `json:"accepted" doc:"accepted = stored + queued + quarantinedLate + duplicates + dropped"`
}

// SequenceStatus is what the devices' own counters tell.
type SequenceStatus struct {
	Gaps    int64 `json:"gaps" doc:"Numbers that were skipped, since the start"`
	Missing int64 `json:"missing" doc:"Of these, what has not come late either"`
}

// RegistryStatus is the register's size.
type RegistryStatus struct {
	Stations int `json:"stations"`
	Devices  int `json:"devices"`
	Groups   int `json:"groups"`
}

// LiveStatus is how the live streams fare.
type LiveStatus struct {
	Clients int   `json:"clients"`
	CutOff  int64 `json:"cutOff" doc:"Streams ended for being too slow"`
}

func (s *Server) status() {
	register(s, huma.Operation{OperationID: "get-status", Method: http.MethodGet, Path: base + "/status",
		Summary: "How the hub fares", Tags: []string{"operation"},
	}, access.StatusRead, func(context.Context, *struct{}) (*shown[StatusBody], error) {
		return &shown[StatusBody]{s.statusBody()}, nil
	})
}

func (s *Server) statusBody() StatusBody {
	now := s.o.Status()
	b := StatusBody{Version: now.Version, Started: now.Started.UTC(), Zone: s.o.Zone.String(), Broker: now.Broker,
		Archive:  ArchiveStatus(now.Archive),
		Spool:    now.Spool,
		Intake:   IntakeStatus{now.Intake.Failing, instant(now.Intake.Since), now.Intake.Pending},
		Counters: counters(&now.Totals, now.Queued),
		Sequence: SequenceStatus{now.Totals.SequenceGaps, s.o.Sequences.Missing(0)},
		Live:     LiveStatus{s.live.Count(), s.live.CutOff()},

		Properties: s.o.Latest.Properties()}
	b.Broker.Since = b.Broker.Since.UTC()
	b.Registry.Stations, b.Registry.Devices, b.Registry.Groups = s.o.Registry.Size()
	return b
}

func counters(t *telemetry.Totals, queued int64) CounterStatus {
	received, rejected, quarantined := telemetry.Sum(t.Received), telemetry.Sum(t.Rejected), telemetry.Sum(t.Quarantined)
	late, dropped := telemetry.Sum(t.QuarantinedLate), telemetry.Sum(t.Dropped)
	return CounterStatus{Received: t.Received, Accepted: t.Accepted, Stored: t.Stored, Queued: queued, Duplicates: t.Duplicates,
		Rejected: named(t.Rejected), Quarantined: named(t.Quarantined), QuarantinedLate: named(t.QuarantinedLate), Dropped: named(t.Dropped),
		UnknownKeys: t.UnknownKeys, Forgotten: t.QuarantineDropped,
		Balanced: Balanced{Received: received == t.Accepted+quarantined+rejected,
			Accepted: t.Accepted == t.Stored+queued+late+t.Duplicates+dropped}}
}

// named gives a breakdown plain names, and an empty one instead of none.
func named[K ~string](counts map[K]int64) map[string]int64 {
	out := make(map[string]int64, len(counts))
	for name, n := range counts {
		out[string(name)] = n
	}
	return out
}
