package embedded

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/inflight"
	"cityhub/telemetry"
)

// ownPrefix is where the topics of a device are, followed by its code.
const ownPrefix = "cityhub/v1/"

// hook is the hub's word in what the library does.
type hook struct {
	mqtt.HookBase
	broker *Broker
}

// ID names the hook.
func (h *hook) ID() string { return "cityhub" }

// Provides lists what the hook wants to be asked about.
func (h *hook) Provides(b byte) bool {
	return bytes.IndexByte([]byte{
		mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPacketRead,
		mqtt.OnPublish, mqtt.OnSessionEstablished, mqtt.OnClientExpired, mqtt.OnDisconnect,
	}, b) >= 0
}

func peerOf(client *mqtt.Client) *peer {
	p, _ := client.Net.Conn.(*peer)
	return p
}

// OnConnect refuses clients before their credentials are looked at.
func (h *hook) OnConnect(client *mqtt.Client, _ packets.Packet) error {
	p := peerOf(client)
	p.version = client.Properties.ProtocolVersion
	if h.broker.closing.Load() {
		return h.refuse(client, packets.ErrServerUnavailable)
	}
	return nil
}

func (h *hook) refuse(client *mqtt.Client, why packets.Code) error {
	if err := h.broker.server.SendConnack(client, why, false, nil); err != nil {
		return errors.Join(why, err)
	}
	return why
}

// OnConnectAuthenticate binds the client id to the credentials.
func (h *hook) OnConnectAuthenticate(client *mqtt.Client, pk packets.Packet) bool {
	auth := h.broker.o.Auth
	if auth == nil {
		return true
	}
	// The library has made up an id where the client gave none.
	id, username := pk.Connect.ClientIdentifier, string(pk.Connect.Username)
	sender, valid := "", func() bool { return false }
	if validID(client.ID) {
		sender, valid = auth.Authenticate(id, username, string(pk.Connect.Password))
	}
	if sender == "" {
		h.broker.sign(client.ID, telemetry.Sign{Kind: telemetry.Rejected})
		h.broker.o.Log.Info("a client was refused", "client", client.ID, "username", username, "remote", client.Net.Remote,
			"mend", missed(id, username))
		return false
	}
	// The library publishes wills without asking whether the client may.
	if pk.Connect.WillFlag && !h.broker.o.Decoder.MayPublish(sender, pk.Connect.WillTopic) {
		h.broker.o.Log.Warn("a client's will is on a topic that is not its own", "client", client.ID, "topic", pk.Connect.WillTopic)
		return false
	}
	if other, ok := h.broker.server.Clients.Get(client.ID); ok && !other.Closed() {
		if p := peerOf(other); p != nil && p.sender != sender {
			h.broker.o.Log.Warn("a client's id is in use by another sender", "client", client.ID, "sender", sender)
			return false
		}
	}
	peerOf(client).admit(client.ID, sender, valid)
	return true
}

// missed says what a client that was refused is likely to have got wrong. MQTT
// 3.1.1 can tell the client nothing but a number.
func missed(id, username string) string {
	code, _, _ := strings.Cut(username, ".") // the second of a device's two user names has a dot
	switch {
	case username == "":
		return "user name: a device's is its code, with its secret as password; a gateway's is the name of its key, with the key as password"
	case id != "" && !validID(id):
		return "client id: up to 128 of A-Z a-z 0-9 _ and -"
	case id == "":
		return "client id: only a gateway may leave it out, a device's is its code; or the password is no key of that name"
	case id != code && !strings.HasPrefix(id, code+"-"):
		return "client id: a device's is its code; a gateway's begins with its user name and a dash, or is left out"
	}
	return "password: it is neither the secret of a device of that code nor a gateway's key of that name, or no longer"
}

// validID holds device codes to letters that mean nothing in topics and ACLs.
func validID(id string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return id != "" && len(id) <= 128 && strings.Trim(id, letters) == ""
}

// OnACLCheck is asked for every publish, subscription and delivery.
func (h *hook) OnACLCheck(client *mqtt.Client, topic string, write bool) bool {
	if h.broker.o.Auth == nil {
		return !strings.HasPrefix(topic, "$CONTROL") && !(write && strings.HasPrefix(topic, "$"))
	}
	sender := peerOf(client).sender
	if write {
		may := h.broker.o.Decoder.MayPublish(sender, topic)
		if !may {
			h.broker.sign(client.ID, telemetry.Sign{Kind: telemetry.Strayed, Topic: topic})
		}
		return may
	}
	own, ok := strings.CutPrefix(topic, ownPrefix)
	return ok && strings.HasPrefix(own, sender+"/")
}

// OnPacketRead notes QoS 2 before the library lowers it: MQTT 5 clients were
// told that they may not use it; older ones cannot be told and get its
// handshake, with the promise of QoS 1.
func (h *hook) OnPacketRead(client *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type != packets.Publish {
		return pk, nil
	}
	p := peerOf(client)
	p.twice = pk.FixedHeader.Qos == 2
	if p.twice && p.version == 5 {
		h.broker.disconnect(client, packets.ErrQosNotSupported)
		return pk, packets.ErrQosNotSupported
	}
	return pk, nil
}

// OnPublish takes every message of a client out of the library's hands: it is
// acknowledged when the intake has it, not before, and many may be on their way
// at a time. Subscribers get it meanwhile, in the pace of the sender, so that a
// slow one cannot hold the intake.
func (h *hook) OnPublish(client *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if client.Net.Inline {
		return pk, nil
	}
	b, p := h.broker, peerOf(client)
	var entry *inflight.Entry
	take := func(a *telemetry.Arrival) bool {
		b.holdBack(a)
		a.Received = b.o.Now()
		entry = p.window.Add(pk.PacketID, p.answer(pk), len(pk.Payload)+len(pk.TopicName), a.Received)
		return entry != nil
	}
	arrival, err := b.o.Decoder.ArrivalIf(context.Background(), pk.TopicName, pk.Payload, p.sender, b.o.Now(), take)
	if entry == nil {
		return pk, packets.ErrRejectPacket
	}
	b.holdBack(&arrival)
	if arrival.Refusal == nil || arrival.Refusal.Reason != telemetry.WrongSender {
		b.distribute(pk)
	}
	b.signs(client, &arrival, err)
	switch {
	case err != nil:
		entry.Settle(err)
	case bridge.Ignored(arrival):
		b.ignored.WithLabelValues(arrival.Route).Inc()
		entry.Settle(nil)
	default:
		b.o.Intake.Submit(arrival, func(r telemetry.Receipt) { entry.Settle(r.Err) })
	}
	return pk, packets.ErrRejectPacket
}

func (p *peer) answer(pk packets.Packet) byte {
	switch {
	case p.twice:
		return inflight.Pubrec
	case pk.FixedHeader.Qos == 1:
		return inflight.Puback
	}
	return inflight.None
}

// holdBack makes the sender wait as the limiter wants it. A gateway waits for
// every device that it names.
func (b *Broker) holdBack(a *telemetry.Arrival) {
	if b.o.Limit == nil {
		return
	}
	delay := b.o.Limit.Hold(a)
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.listener.stop:
	}
}

// distribute hands a message to the other clients that subscribe to it.
func (b *Broker) distribute(pk packets.Packet) {
	retain := pk.FixedHeader.Retain && (b.o.Auth == nil || b.o.Decoder.MayRetain(pk.TopicName))
	if !retain && atomic.LoadInt64(&b.server.Info.Subscriptions) == 0 {
		return
	}
	in := pk.Properties
	_ = b.server.InjectPacket(b.local, packets.Packet{ // a message that is not valid was refused before
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: pk.FixedHeader.Qos, Retain: retain},
		TopicName:   pk.TopicName,
		Payload:     pk.Payload,
		PacketID:    uint16(pk.FixedHeader.Qos), // any but 0 is valid above QoS 0
		Properties: packets.Properties{
			MessageExpiryInterval: in.MessageExpiryInterval,
			PayloadFormat:         in.PayloadFormat,
			PayloadFormatFlag:     in.PayloadFormatFlag,
			ContentType:           in.ContentType,
			ResponseTopic:         in.ResponseTopic,
			CorrelationData:       in.CorrelationData,
			User:                  in.User,
		},
	})
}

// OnDisconnect leaves a trace of the end of a connection.
func (h *hook) OnDisconnect(client *mqtt.Client, err error, _ bool) {
	if now, ok := h.broker.server.Clients.Get(client.ID); !ok || now == client { // else it came back meanwhile
		h.broker.sign(client.ID, telemetry.Sign{Kind: telemetry.Gone})
	}
	h.broker.o.Log.Debug("a client has gone", "client", client.ID, "remote", client.Net.Remote, "cause", err)
}

// OnClientExpired takes the subscriptions of an old session away; the library
// forgets the session but goes on collecting for it.
func (h *hook) OnClientExpired(client *mqtt.Client) {
	h.broker.server.UnsubscribeClient(client)
	client.ClearInflights()
}
