package bridge

import "github.com/eclipse/paho.mqtt.golang/packets"

// forget is the client library's message store, and keeps nothing: the bridge
// publishes nothing, and what it has not acknowledged the broker keeps.
type forget struct{}

func (forget) Open()                             {}
func (forget) Put(string, packets.ControlPacket) {}
func (forget) Get(string) packets.ControlPacket  { return nil }
func (forget) All() []string                     { return nil }
func (forget) Del(string)                        {}
func (forget) Close()                            {}
func (forget) Reset()                            {}
