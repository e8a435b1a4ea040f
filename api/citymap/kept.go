package citymap

import (
	"fmt"
	"math"
	"sync"
)

// keptAnswer is what the newest values of a property were last written as, all
// together: who asks again before anything has changed gets the same bytes. It
// is put together for the second who asks: where values change all the time,
// nobody would ever be the third.
type keptAnswer struct {
	mu      sync.Mutex
	key     string
	version uint64
	until   int64 // the instant from which on a state is another
	bytes   []byte
}

// mostKept is the size of an answer that is kept, in bytes.
const mostKept = 8 << 20

// keyOf names an answer of a property; "" for one that is not kept: which of
// the states are wanted can turn with the time alone.
func keyOf(q *Look, property string, limit int) string {
	if q.Keep != nil {
		return ""
	}
	return fmt.Sprint(ViewOf(q.Scope, property, q.Window), " ", q.Unwanted, " ", limit)
}

// get answers what is kept, if it still holds.
func (k *keptAnswer) get(key string, version uint64, now int64) *Parts {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key == "" || k.key != key || k.version != version || now >= k.until || k.bytes == nil {
		return nil
	}
	return &Parts{list: [][]byte{k.bytes}, size: len(k.bytes)}
}

// put notes an answer, and keeps it when it comes for the second time.
func (k *keptAnswer) put(key string, version uint64, until int64, all *Parts) {
	if key == "" || all.size > mostKept {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == key && k.version == version {
		k.until, k.bytes = until, all.Append(make([]byte, 0, all.size))
		return
	}
	k.key, k.version, k.until, k.bytes = key, version, math.MinInt64, nil
}

// forget gives the memory back.
func (k *keptAnswer) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.key, k.bytes = "", nil
}
