package dynsec_test

import (
	"fmt"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices/credentials"
)

// secrets queues so many for the broker, under the user names that name gives.
func (s *site) secrets(t *testing.T, n int, name func(int) string) {
	t.Helper()
	commands := make([]credentials.Command, n)
	for i := range commands {
		sealed, err := access.Seal(siteKey, "abcdefghijklmnopqrstuvwx", name(i))
		ok(t, err)
		commands[i] = credentials.Command{Username: name(i), Code: fmt.Sprint("bulk-", i), Sealed: sealed, Due: s.now()}
	}
	ok(t, s.store.Tell(t.Context(), commands))
}

// ends says that a device is shut out in time, with its connection.
func (s *site) ends(t *testing.T, issued credentials.Issued, open func() bool, what string, begin time.Time) {
	t.Helper()
	eventually(t, within, "the connection ends "+what, func() bool { return !open() })
	eventually(t, within-time.Since(begin), "it is refused "+what, func() bool {
		_, err := s.dial(t, issued.Device, issued.Username, issued.Secret, nil)
		return err != nil
	})
	t.Logf("%s: shut out after %v", what, time.Since(begin).Round(time.Millisecond))
}

func TestARevocationPassesALongQueue(t *testing.T) {
	s, _, _ := mosquitto(t)
	mine := s.rotate(t, "aq-1", 0)
	client := s.enter(t, mine)
	s.secrets(t, 2000, func(i int) string { return fmt.Sprint("bulk-", i) })
	s.rotate(t, "aq-2", 0) // wakes the outbox
	left := func() int {
		due, err := s.store.Due(t.Context(), s.now(), 3000)
		ok(t, err)
		return len(due)
	}
	eventually(t, 4*within, "the broker is at work on them", func() bool { return left() < 1970 })
	begin := time.Now()
	ok(t, s.keeper.Revoke(t.Context(), s.devices["aq-1"]))
	s.ends(t, mine, client.IsConnectionOpen, "behind a long queue", begin)
	if left() < 1000 {
		t.Error("the queue was too short to tell anything")
	}
}

func TestARevocationPassesWhatTheBrokerRefuses(t *testing.T) {
	s, _, _ := mosquitto(t)
	mine, other := s.rotate(t, "aq-1", 0), s.rotate(t, "aq-2", 0)
	client, neighbour := s.enter(t, mine), s.enter(t, other)
	s.secrets(t, 60, func(i int) string { return fmt.Sprint("bad\x01", i) })
	refused := func() (tries []int) {
		due, err := s.store.Due(t.Context(), s.now().Add(time.Hour), 200)
		ok(t, err)
		for _, c := range due {
			tries = append(tries, c.Tries)
		}
		return tries
	}
	eventually(t, 4*within, "each was refused once, and waits", func() bool {
		tries := refused()
		for _, n := range tries {
			if n == 0 {
				return false
			}
		}
		return len(tries) == 60
	})
	begin := time.Now()
	ok(t, s.keeper.Revoke(t.Context(), s.devices["aq-1"]))
	s.ends(t, mine, client.IsConnectionOpen, "behind refused commands", begin)
	begin = time.Now()
	ok(t, s.keeper.Revoke(t.Context(), s.devices["aq-2"]))
	s.ends(t, other, neighbour.IsConnectionOpen, "at once after that", begin)
	s.enter(t, s.rotate(t, "aq-1", 0))
}

func TestADeviceThatIsGoneOrRenamedEndsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		first, other := s.rotate(t, "aq-1", 0), s.rotate(t, "aq-2", 0)
		s.enter(t, first).Disconnect(50)
		second := s.rotate(t, "aq-1", time.Hour)
		client, neighbour := s.enter(t, second), s.enter(t, other)
		begin := time.Now()
		s.rename(t, "aq-1", "aq-9")
		s.ends(t, second, client.IsConnectionOpen, "after a new name", begin)
		if _, err := s.dial(t, first.Device, first.Username, first.Secret, nil); err == nil {
			t.Error("the secret before comes in under the old name")
		}
		renamed := s.rotate(t, "aq-1", 0) // by whoever read the device before it had its new name
		if renamed.Device != "aq-9" {
			t.Errorf("the secret is for %q", renamed.Device)
		}
		client = s.enter(t, renamed)
		begin = time.Now()
		ok(t, s.keeper.Revoke(t.Context(), s.devices["aq-1"]))
		s.ends(t, renamed, client.IsConnectionOpen, "after a revocation", begin)
		begin = time.Now()
		ok(t, s.registry.Devices.Delete(t.Context(), s.devices["aq-2"].ID))
		s.ends(t, other, neighbour.IsConnectionOpen, "after it was deleted", begin)
	})
}
