package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"cityhub/devices"
)

// keptTiles bounds the tiles that are kept; beyond it any goes.
const keptTiles = 4_096

// tileAge is how often a tile of stations is drawn anew while values change.
const tileAge = time.Second

// tileCache keeps drawn tiles, each packed once.
type tileCache struct {
	mu    sync.Mutex
	tiles map[string]*tile
}

// tile is what was drawn; without bytes it is empty.
type tile struct {
	version uint64
	once    sync.Once
	plain   []byte
	packed  []byte
	etag    string // without its quotes
}

func newTileCache() *tileCache { return &tileCache{tiles: map[string]*tile{}} }

// get gives the tile of a key and a version. Whoever asks first draws it; the
// others wait for that.
func (c *tileCache) get(key string, version uint64, draw func() []byte) *tile {
	c.mu.Lock()
	t := c.tiles[key]
	if t == nil || t.version != version {
		if t == nil && len(c.tiles) >= keptTiles {
			for some := range c.tiles {
				delete(c.tiles, some)
				break
			}
		}
		t = &tile{version: version}
		c.tiles[key] = t
	}
	c.mu.Unlock()
	t.once.Do(func() {
		if t.plain = draw(); len(t.plain) > 0 {
			sum := sha256.Sum256(t.plain)
			t.etag = base64.RawURLEncoding.EncodeToString(sum[:18])
			t.packed = fasthttp.AppendGzipBytesLevel(nil, t.plain, fasthttp.CompressBestSpeed)
		}
	})
	return t
}

func (t *tile) answer(asked *TileHeaders, control string) *tileOutput {
	if len(t.plain) == 0 {
		return &tileOutput{Status: http.StatusNoContent, CacheControl: control}
	}
	out := &tileOutput{Status: http.StatusOK, ContentType: tileType, ETag: `"` + t.etag + `"`, Vary: "Accept-Encoding",
		CacheControl: control, Body: t.plain}
	if acceptsGzip(asked.Encoding) && len(t.packed) < len(t.plain) {
		out.Encoding, out.ETag, out.Body = "gzip", `"`+t.etag+`-gz"`, t.packed
	}
	if has(asked.Known, out.ETag) {
		out.Status, out.ContentType, out.Encoding, out.Body = http.StatusNotModified, "", "", nil
	}
	return out
}

// version names what can be seen of a property now: it changes at most once in
// tileAge, and at least once in a minute, as values grow old without a change.
func (d *dots) version(property *devices.ObservedProperty, now time.Time) uint64 {
	l := d.layer(property)
	l.mu.Lock()
	defer l.mu.Unlock()
	minute := uint64(now.Unix() / 60)
	if (l.drawn.version != l.version || l.drawn.minute != minute) && now.Sub(l.drawn.at) >= tileAge {
		l.drawn = drawnVersion{l.version, minute, uint64(now.UnixNano()), now}
	}
	return l.drawn.number
}

// drawnVersion is the version of a layer that tiles show.
type drawnVersion struct {
	version, minute uint64
	number          uint64 // never the same twice
	at              time.Time
}
