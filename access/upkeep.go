package access

import (
	"context"
	"time"
)

// upkeepEvery is how often it is kept what was used when.
const upkeepEvery = time.Minute

// Run keeps when keys and sessions were used last, and removes sessions that
// are over, until ctx ends. tell is told of what fails; it is tried again.
func (a *Accounts) Run(ctx context.Context, tell func(error)) error {
	beat := time.NewTicker(upkeepEvery)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if err := a.upkeep(last); err != nil {
				tell(err)
			}
			return nil
		case <-beat.C:
			if err := a.upkeep(ctx); err != nil && ctx.Err() == nil {
				tell(err)
			}
		}
	}
}

func (a *Accounts) upkeep(ctx context.Context) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	keys, sessions, over := a.unkept()
	if err := a.end(ctx, over); err != nil {
		return err
	}
	if len(keys)+len(sessions) == 0 {
		return nil
	}
	return a.keep(ctx, func(t Tables) error {
		for i := range keys {
			if err := t.Keys.Put(ctx, &keys[i]); err != nil {
				return err
			}
		}
		for i := range sessions {
			if err := t.Sessions.Put(ctx, &sessions[i]); err != nil {
				return err
			}
		}
		return nil
	}, func() {
		for i := range keys {
			a.keys[keys[i].ID] = &keys[i]
		}
		for i := range sessions {
			a.sessions[sessions[i].ID] = &sessions[i]
		}
	})
}

// unkept are the keys and sessions used since that was kept, and the sessions
// that are over.
func (a *Accounts) unkept() (keys []Key, sessions []SignedIn, over []int64) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, k := range a.keys {
		if c := a.byKey[parseFingerprint(k.Hash)]; c != nil && c.used.Load() > nanos(k.Used) {
			used := *k
			used.Used = time.Unix(0, c.used.Load()).UTC()
			keys = append(keys, used)
		}
	}
	for _, s := range a.sessions {
		c := a.byToken[parseFingerprint(s.Hash)]
		switch {
		case c == nil || c.over():
			over = append(over, s.ID)
		case c.used.Load() > nanos(s.Seen):
			seen := *s
			seen.Seen = time.Unix(0, c.used.Load()).UTC()
			sessions = append(sessions, seen)
		}
	}
	return keys, sessions, over
}
