package telemetry

import (
	"sync"
	"time"
)

// SignKind is what sort of sign of life a device gave.
type SignKind int

// The signs that the edges see beside accepted readings.
const (
	Connected SignKind = iota // it logged in at the broker
	Gone                      // its connection ended
	Rejected                  // its login was refused
	Strayed                   // it published to a topic from which nothing is taken of it
	Heard                     // it sent something without a reading, such as its status
	Refused                   // something that it sent was not accepted
)

// Sign is one sign of life.
type Sign struct {
	Kind   SignKind
	At     time.Time // the hub's clock
	Topic  string    // Strayed
	Reason Reason    // Refused
	Detail string    // Refused
}

// SignsOf are a device's last signs of each kind; the zero Sign where there
// was none since the hub's start.
type SignsOf [Refused + 1]Sign

// Signs remembers the last signs of devices, so that a technician can be told
// why no reading comes. Its memory is bounded: of many devices it forgets
// those that gave no sign for longest. It is safe for concurrent use.
type Signs struct {
	Since       time.Time // nothing is known from before
	Connections bool      // logins are seen: devices connect to the hub itself
	known       func(device string) bool

	mu         sync.Mutex
	young, old map[string]*SignsOf // by the name that the device used
	waiting    map[string]map[chan struct{}]struct{}
}

const (
	signsHalf  = 10_000 // devices in each of young and old
	signText   = 300    // bytes of a sender's own words
	mostTopics = 200
)

// NewSigns knows nothing yet; known says whether a name is a device's, for
// what others call themselves is not remembered.
func NewSigns(since time.Time, connections bool, known func(device string) bool) *Signs {
	return &Signs{Since: since, Connections: connections, known: known,
		young: map[string]*SignsOf{}, waiting: map[string]map[chan struct{}]struct{}{}}
}

// Note takes a sign of a device, named by code or DevEUI.
func (s *Signs) Note(device string, sign Sign) {
	if s == nil || device == "" || !s.known(device) {
		return
	}
	sign.Topic, sign.Detail = clip(sign.Topic, mostTopics), clip(sign.Detail, signText)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(device)[sign.Kind] = sign
	for wake := range s.waiting[device] {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// of gives the place of a device among the young. Once these are many, they
// are the old, and the old ones before them are forgotten.
func (s *Signs) of(device string) *SignsOf {
	if known := s.young[device]; known != nil {
		return known
	}
	signs := s.old[device]
	if signs == nil {
		signs = new(SignsOf)
	}
	if len(s.young) >= signsHalf {
		s.young, s.old = map[string]*SignsOf{}, s.young
	}
	s.young[device] = signs
	return signs
}

// Of gives the newest sign of each kind among a device's names.
func (s *Signs) Of(names ...string) (last SignsOf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		signs := s.young[name]
		if signs == nil {
			signs = s.old[name]
		}
		if signs == nil {
			continue
		}
		for kind := range signs {
			if signs[kind].At.After(last[kind].At) {
				last[kind] = signs[kind]
			}
		}
	}
	return last
}

// Watch wakes whoever waits for a device's signs until stop is called; some
// signs may share one waking.
func (s *Signs) Watch(names ...string) (wake <-chan struct{}, stop func()) {
	woken := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if s.waiting[name] == nil {
			s.waiting[name] = map[chan struct{}]struct{}{}
		}
		s.waiting[name][woken] = struct{}{}
	}
	return woken, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, name := range names {
			if delete(s.waiting[name], woken); len(s.waiting[name]) == 0 {
				delete(s.waiting, name)
			}
		}
	}
}
