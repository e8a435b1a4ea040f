package credentials

import (
	"context"
	"strconv"
	"strings"

	"cityhub/access"
	"cityhub/devices"
)

// Keys find who comes with an API key.
type Keys interface {
	// ByKey answers an error when the key lets nobody in.
	ByKey(ctx context.Context, key string) (*access.Principal, error)
	// Key gives a key by its id.
	Key(ctx context.Context, id int64) (access.Key, error)
}

// Names finds devices as readings name them.
type Names interface {
	Named(device string) (devices.Identity, bool)
}

// Door lets devices and gateways in at a broker that asks, and tells for whom a
// gateway may speak. It is safe for concurrent use.
type Door struct {
	keeper *Keeper
	names  Names
	keys   Keys // nil: there are no gateways
}

// NewDoor makes one; keys nil lets no gateway in.
func NewDoor(keeper *Keeper, names Names, keys Keys) *Door {
	return &Door{keeper: keeper, names: names, keys: keys}
}

// Authenticate tells who a connection belongs to. A device comes with its code
// as client id and user name. A gateway comes with its key as password, the
// key's name or id as user name, and a client id that begins with that, or none.
func (d *Door) Authenticate(clientID, username, password string) (sender string, valid func() bool) {
	code, hash := strings.TrimSuffix(username, secondSlot), access.HashDeviceSecret(password)
	if who, ok := d.keeper.holder(code, hash); ok && who.Code == clientID {
		return who.Code, func() bool { _, still := d.keeper.holder(code, hash); return still }
	}
	if d.keys == nil || clientID != "" && clientID != username && !strings.HasPrefix(clientID, username+"-") {
		return "", nil
	}
	if _, taken := d.names.Named(clientID); taken {
		return "", nil // that name is a device's
	}
	sender = d.gateway(username, password)
	return sender, func() bool { return d.gateway(username, password) == sender }
}

// gateway gives the sender that a key is; "" when it is none.
func (d *Door) gateway(username, key string) string {
	p, err := d.keys.ByKey(context.Background(), key)
	if err != nil || username != p.Name && username != strconv.FormatInt(p.ID, 10) {
		return ""
	}
	if _, ok := p.Scope(access.ReadingWrite); !ok {
		return ""
	}
	return gatewayPrefix + strconv.FormatInt(p.ID, 10)
}

// gatewayPrefix cannot begin a device's code.
const gatewayPrefix = "key:"

// Gateway says of a sender that it is no device.
func (d *Door) Gateway(sender string) bool { return strings.HasPrefix(sender, gatewayPrefix) }

// Speaks says whether a gateway may send for a device: one of its
// organisation, or one that nobody has registered. Once its key is gone it may
// for none, also for what it sent before.
func (d *Door) Speaks(gateway, device string) bool {
	id, err := strconv.ParseInt(strings.TrimPrefix(gateway, gatewayPrefix), 10, 64)
	if err != nil || d.keys == nil || !d.Gateway(gateway) {
		return false
	}
	key, err := d.keys.Key(context.Background(), id)
	if err != nil {
		return false
	}
	p := access.Principal{Kind: access.KeyKind, ID: id, Bindings: []access.Binding{key.Binding}}
	scope, ok := p.Scope(access.ReadingWrite)
	if !ok {
		return false
	}
	who, known := d.names.Named(device)
	return !known || scope.Owns(who.OrganisationID)
}
