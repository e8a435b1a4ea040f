package devices

import (
	"fmt"
	"slices"
	"strings"
)

// State is where a device is in its life.
type State string

// The states of a device.
const (
	Stock       State = "stock"       // registered, and nobody's to install yet
	Claimed     State = "claimed"     // held by an organisation
	Deployed    State = "deployed"    // stands at a thing
	Maintenance State = "maintenance" // stands there, and is being worked on
	Recalled    State = "recalled"    // taken away, ready for its next thing
	Retired     State = "retired"     // never comes back
)

// Move is what leads from one state to the next.
type Move string

// The moves. Replace is what happens to the device that is taken away; the
// one that comes is deployed.
const (
	Register         Move = "register"
	Claim            Move = "claim"
	Deploy           Move = "deploy"
	Replace          Move = "replace"
	Recall           Move = "recall"
	BeginMaintenance Move = "begin-maintenance"
	EndMaintenance   Move = "end-maintenance"
	HandOver         Move = "hand-over"
	Retire           Move = "retire"
)

// Moves are all moves, in the order of a device's life.
func Moves() []Move {
	return []Move{Register, Claim, Deploy, Replace, Recall, BeginMaintenance, EndMaintenance, HandOver, Retire}
}

// States are all states, in the order of a device's life.
func States() []State { return []State{Stock, Claimed, Deployed, Maintenance, Recalled, Retired} }

// lifecycle is every legal move and where it leads; what is not in it is
// refused. "" is a device that is not there yet.
var lifecycle = map[State]map[Move]State{
	"":          {Register: Stock},
	Stock:       {Claim: Claimed, Deploy: Deployed, HandOver: Claimed, Retire: Retired},
	Claimed:     {Deploy: Deployed, HandOver: Claimed, Retire: Retired},
	Deployed:    {Replace: Recalled, Recall: Recalled, BeginMaintenance: Maintenance, HandOver: Deployed},
	Maintenance: {Replace: Recalled, Recall: Recalled, EndMaintenance: Deployed, HandOver: Maintenance},
	Recalled:    {Deploy: Deployed, HandOver: Claimed, Retire: Retired},
	Retired:     {},
}

// After tells where a move leads from a state; false when it is not legal.
func After(s State, m Move) (State, bool) {
	next, ok := lifecycle[s][m]
	return next, ok
}

// LegalMoves are the moves that are legal in a state, in the order of Moves.
func LegalMoves(s State) []Move {
	return slices.DeleteFunc(Moves(), func(m Move) bool { _, ok := lifecycle[s][m]; return !ok })
}

// stands says whether a device of this state stands at a thing.
func (s State) stands() bool { return s == Deployed || s == Maintenance }

// TransitionError is an ErrConflict that says which moves would be legal, and
// who brought the device to where it is.
type TransitionError struct {
	Device string // code
	State  State
	Move   Move // the one refused
	Legal  []Move
	Last   *DeviceEvent // nil when none was kept
	Thing  string       // code of the thing where it stands; "" when it stands at none
}

// Error says it in a sentence.
func (e *TransitionError) Error() string {
	text := fmt.Sprintf("device %q is %s", e.Device, e.State)
	if e.Thing != "" {
		text += " at " + e.Thing
	}
	if e.Last != nil {
		text += fmt.Sprintf(" since %s, by %s", e.Last.Time.UTC().Format("2006-01-02T15:04:05Z"), e.Last.Actor.Name)
	}
	names := make([]string, len(e.Legal))
	for i, m := range e.Legal {
		names[i] = string(m)
	}
	legal := "nothing is possible any more"
	if len(names) > 0 {
		legal = "possible now: " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s; %s is not possible; %s", text, e.Move, legal)
}

// Unwrap gives the kind.
func (e *TransitionError) Unwrap() error { return ErrConflict }
