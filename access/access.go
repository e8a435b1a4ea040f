// Package access decides who may do what: principals, roles, the permission
// table and the scope that follows from it; and it alone hashes passwords,
// keys and secrets. It knows no noun of the city but the organisation, no
// transport and no SQL.
package access

import "context"

// Role is what somebody is to an organisation, or to the whole city.
type Role string

// The roles, in the order of the table's columns.
const (
	Anonymous  Role = "anonymous"          // nobody in particular
	OpenData   Role = "open-data"          // a key of a third-party app
	Viewer     Role = "viewer"             // sees
	Technician Role = "technician"         // installs and mends
	Operator   Role = "operator"           // watches, day and night
	OrgAdmin   Role = "organisation-admin" // looks after one organisation
	CityAdmin  Role = "city-admin"         // looks after the hub
	Auditor    Role = "auditor"            // sees everything, changes nothing
	Device     Role = "device"             // a device, with its own secret
	Gateway    Role = "gateway"            // a network server or platform that sends for an organisation's devices
)

// Kind is what sort of principal somebody is.
type Kind string

// The kinds of principal.
const (
	Nobody     Kind = "anonymous"
	UserKind   Kind = "user"
	KeyKind    Kind = "key"
	DeviceKind Kind = "device"
	SystemKind Kind = "system" // the hub itself: first start, command line
)

// Binding gives a role in an organisation; 0 stands for the whole city.
type Binding struct {
	Role         Role
	Organisation int64
}

// Principal is who asks.
type Principal struct {
	Kind     Kind
	ID       int64 // of the user, the key or the device; 0 otherwise
	Name     string
	Bindings []Binding
	Grants   []Grant // what other organisations let this principal's read

	Lost func() bool `json:"-"` // says whether the credential is, or is over; nil: it cannot be
}

// Revoked says whether the credential by which the principal was let in is
// lost, is over, or says something else now. What goes on for longer than a
// request asks from time to time.
func (p *Principal) Revoked() bool { return p.Lost != nil && p.Lost() }

// Grant lets an organisation read what belongs to another.
type Grant struct {
	ID       int64
	Owner    int64  // the organisation that grants
	Reader   int64  // the organisation that may read
	Thing    int64  // 0: all of the owner's things
	Property string // "": all properties
}

// The principals that need no account.
var (
	nobody = Principal{Kind: Nobody, Name: "anonymous", Bindings: []Binding{{Role: Anonymous}}}
	system = Principal{Kind: SystemKind, Name: "cityhub", Bindings: []Binding{{Role: CityAdmin}, {Role: Gateway}}}
)

// AnonymousPrincipal is whoever shows nothing.
func AnonymousPrincipal() *Principal { p := nobody; return &p }

// SystemPrincipal is the hub itself.
func SystemPrincipal() *Principal { p := system; return &p }

type principalKey struct{}

// WithPrincipal notes who asks.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf tells who asks; the hub itself where nobody was noted.
func PrincipalOf(ctx context.Context) *Principal {
	if p, ok := ctx.Value(principalKey{}).(*Principal); ok {
		return p
	}
	return SystemPrincipal()
}
