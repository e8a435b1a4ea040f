package credentials

import (
	"sync"
	"time"
)

// guesses remembers wrong claim codes by who tried them, by the organisations
// of those, and of all together: somebody makes as many keys as they like.
// A start forgets them; a code's own tries are in the store.
type guesses struct {
	mu  sync.Mutex
	by  map[string]*tally
	all tally
}

// tally counts what went wrong within the memory that began at since.
type tally struct {
	since time.Time
	wrong int
}

func newGuesses() *guesses { return &guesses{by: map[string]*tally{}} }

func (t *tally) left(most int, now time.Time) time.Duration {
	if t == nil || t.wrong < most {
		return 0
	}
	return max(0, t.since.Add(wrongMemory).Sub(now))
}

func (t *tally) add(now time.Time) int {
	if now.Sub(t.since) >= wrongMemory {
		*t = tally{since: now}
	}
	t.wrong++
	return t.wrong
}

// wait tells how long somebody has to wait before another code is looked at.
func (g *guesses) wait(by []guesser, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	longest := g.all.left(maxWrongByAll, now)
	for _, who := range by {
		longest = max(longest, g.by[who.name].left(who.most, now))
	}
	return longest
}

// wrong counts a wrong code, and says whether it was the last one permitted.
func (g *guesses) wrong(by []guesser, now time.Time) (last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last = g.all.add(now) == maxWrongByAll
	for _, who := range by {
		if g.by[who.name] == nil {
			g.forget(now)
			g.by[who.name] = &tally{}
		}
		last = g.by[who.name].add(now) == who.most || last
	}
	return last
}

// forget makes room for another guesser.
func (g *guesses) forget(now time.Time) {
	if len(g.by) < maxKnownGuessers {
		return
	}
	for who, t := range g.by {
		if now.Sub(t.since) >= wrongMemory {
			delete(g.by, who)
		}
	}
}
