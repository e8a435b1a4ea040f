package api

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"cityhub/access"
)

// Rate is how many requests are answered: so many a second in the long run,
// and so many at once. The zero Rate has no limit.
type Rate struct {
	Second float64
	Burst  int
}

// Rates are the limits by who asks.
type Rates struct {
	Anonymous Rate // by address; wrong credentials count here, too
	User, Key Rate
	Device    Rate
}

func (r *Rates) of(kind access.Kind) Rate {
	switch kind {
	case access.UserKind:
		return r.User
	case access.KeyKind:
		return r.Key
	case access.DeviceKind:
		return r.Device
	}
	return r.Anonymous
}

// who is whose requests are counted together.
type who struct {
	kind    access.Kind
	id      int64
	address netip.Addr
}

// bucket holds the requests that are left.
type bucket struct {
	left float64
	at   time.Time
}

// limiter counts requests; its memory is bounded by forgetting who has been
// quiet long enough to have a full bucket.
type limiter struct {
	mu      sync.Mutex
	buckets map[who]bucket
}

const mostBuckets = 100_000

func newLimiter() *limiter { return &limiter{buckets: map[who]bucket{}} }

// take counts a request. left is what may follow at once; a negative one says
// that this one is too many.
func (l *limiter) take(w who, rate Rate, now time.Time) (left float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buckets) >= mostBuckets {
		l.forget(now)
	}
	b, known := l.buckets[w]
	if !known {
		b = bucket{float64(rate.Burst), now}
	}
	b.left = min(float64(rate.Burst), b.left+max(0, now.Sub(b.at).Seconds())*rate.Second)
	b.at = now
	left = b.left - 1
	if left >= 0 {
		b.left = left
	}
	l.buckets[w] = b
	return left
}

// forget drops who has been quiet for a minute, and all when that is nobody.
func (l *limiter) forget(now time.Time) {
	for w, b := range l.buckets {
		if now.Sub(b.at) > time.Minute {
			delete(l.buckets, w)
		}
	}
	if len(l.buckets) >= mostBuckets {
		clear(l.buckets)
	}
}

// limit answers 429 to who asks too often, and tells everybody what is left.
func (s *Server) limit(c *fiber.Ctx, p *access.Principal, address netip.Addr) error {
	rate := s.o.Rates.of(p.Kind)
	if rate.Second <= 0 || strings.HasPrefix(c.Path(), appAssets) { // those files lie in memory, and a page names many
		return nil
	}
	w := who{kind: p.Kind, id: p.ID}
	if p.Kind == access.Nobody {
		w.address = network(address)
	}
	left := s.limiter.take(w, rate, s.o.Now())
	window := int(math.Ceil(float64(rate.Burst) / rate.Second))
	c.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, p.Kind, rate.Burst, window))
	full := int(math.Ceil((float64(rate.Burst) - max(0, left)) / rate.Second))
	c.Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, p.Kind, int(max(0, left)), full))
	if left >= 0 {
		return nil
	}
	refused := problem(http.StatusTooManyRequests, "more than "+strconv.FormatFloat(rate.Second, 'g', 3, 64)+
		" requests a second in the long run; wait as Retry-After says, and ask for more at once with limit")
	refused.after = time.Duration(-left / rate.Second * float64(time.Second))
	return refused
}

// network is whom an address belongs to: with IPv6 a household has 2^64.
func network(address netip.Addr) netip.Addr {
	if address.Is4() || !address.IsValid() {
		return address
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.Addr()
}

// network is where a caller comes from, as who guesses is counted.
func (c caller) network() string { return network(c.address).String() }
