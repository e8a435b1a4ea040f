package embedded

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
)

// sign tells whoever wants to know, with the present time.
func (b *Broker) sign(device string, s telemetry.Sign) {
	if b.o.Signs == nil {
		return
	}
	if s.At.IsZero() {
		s.At = b.o.Now()
	}
	b.o.Signs.Note(device, s)
}

// OnSessionEstablished is a client's coming.
func (h *hook) OnSessionEstablished(client *mqtt.Client, _ packets.Packet) {
	h.broker.sign(client.ID, telemetry.Sign{Kind: telemetry.Connected})
}

// signs tells of a message that no reading is taken from.
func (b *Broker) signs(client *mqtt.Client, a *telemetry.Arrival, err error) {
	switch {
	case err != nil:
	case bridge.Ignored(*a):
		b.sign(a.Device, telemetry.Sign{Kind: telemetry.Heard, At: a.Received})
	case a.Refusal != nil && a.Refusal.Reason == telemetry.NoRoute:
		b.sign(client.ID, telemetry.Sign{Kind: telemetry.Strayed, At: a.Received, Topic: a.Topic})
	}
}
