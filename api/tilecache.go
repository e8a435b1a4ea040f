package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"

	"github.com/valyala/fasthttp"
)

// Of tiles are kept at most so many, and so many bytes; beyond it any goes.
const (
	keptTiles = 4_096
	keptBytes = 128 << 20
)

// tileCache keeps drawn tiles, each packed once.
type tileCache struct {
	mu    sync.Mutex
	tiles map[string]*tile
	bytes int // of tiles
}

// tile is what was drawn; without bytes it is empty.
type tile struct {
	version uint64
	once    sync.Once
	plain   []byte
	packed  []byte
	etag    string // without its quotes
	bytes   int    // guarded by tileCache.mu
}

func newTileCache() *tileCache { return &tileCache{tiles: map[string]*tile{}} }

// get gives the tile of a key and a version. Whoever asks first draws it; the
// others wait for that.
func (c *tileCache) get(key string, version uint64, draw func() []byte) *tile {
	c.mu.Lock()
	t := c.tiles[key]
	if t == nil || t.version != version {
		c.drop(key, t)
		t = &tile{version: version}
		c.tiles[key] = t
	}
	c.mu.Unlock()
	t.once.Do(func() {
		t.pack(draw())
		c.weigh(key, t)
	})
	return t
}

func (t *tile) pack(drawn []byte) {
	if t.plain = drawn; len(drawn) == 0 {
		return
	}
	sum := sha256.Sum256(t.plain)
	t.etag = base64.RawURLEncoding.EncodeToString(sum[:18])
	t.packed = fasthttp.AppendGzipBytesLevel(nil, t.plain, fasthttp.CompressBestSpeed)
}

// weigh counts what a tile takes, and makes room for it.
func (c *tileCache) weigh(key string, t *tile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tiles[key] != t { // a newer one has come meanwhile
		return
	}
	t.bytes = cap(t.plain) + cap(t.packed)
	c.bytes += t.bytes
	for some, other := range c.tiles {
		if c.bytes <= keptBytes && len(c.tiles) <= keptTiles {
			break
		}
		if other != t {
			c.drop(some, other)
		}
	}
}

func (c *tileCache) drop(key string, t *tile) {
	if t != nil {
		delete(c.tiles, key)
		c.bytes -= t.bytes
	}
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
