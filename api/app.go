package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

const appAssets = "/assets/"

// appFile is a file of the built app, packed the first time it is asked for.
type appFile struct {
	plain  []byte
	packed func() []byte // nil inside where packing gains nothing
	tag    string
	mime   string
}

// serveApp serves the built app: its page at /, and what that names below /assets/.
// Where the app was not built, / says how to.
func (s *Server) serveApp(router fiber.Router, templates *template.Template) {
	index, err := readApp(s.o.App, "index.html")
	if err != nil {
		router.Add(http.MethodGet, "/", func(c *fiber.Ctx) error {
			return render(c, templates, "unbuilt.html", nil)
		})
		return
	}
	router.Add(http.MethodGet, "/", func(c *fiber.Ctx) error { return index.answer(c) })
	files := s.appFiles()
	router.Add(http.MethodGet, appAssets+"+", func(c *fiber.Ctx) error {
		file := files[strings.TrimPrefix(c.Path(), appAssets)]
		if file == nil {
			return fiber.NewError(http.StatusNotFound)
		}
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable") // another content has another name
		return file.answer(c)
	})
}

// appFiles reads what the app's page names.
func (s *Server) appFiles() map[string]*appFile {
	files := map[string]*appFile{}
	names, err := fs.Glob(s.o.App, "assets/*")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		file, err := readApp(s.o.App, name)
		if err != nil {
			panic(fmt.Errorf("the app's file %s: %w", name, err)) // it is embedded
		}
		files[path.Base(name)] = file
	}
	return files
}

func readApp(app fs.FS, name string) (*appFile, error) {
	if app == nil {
		return nil, fs.ErrNotExist
	}
	plain, err := fs.ReadFile(app, name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	file := &appFile{plain: plain, tag: base64.RawURLEncoding.EncodeToString(sum[:12]), mime: typeOf(name)}
	file.packed = sync.OnceValue(func() []byte {
		packed := fasthttp.AppendGzipBytesLevel(nil, plain, fasthttp.CompressBestCompression)
		if len(plain) < gzipFrom || len(packed) > len(plain)*9/10 {
			return nil
		}
		return packed
	})
	return file, nil
}

var fontFace = regexp.MustCompile(`@font-face\s*{[^}]*}`)

// fontFaces are the rules of the app's style sheets that name its fonts, so that
// the other pages are written in them too; none where the app was not built.
func fontFaces(app fs.FS) []byte {
	if app == nil {
		return nil
	}
	sheets, err := fs.Glob(app, "assets/*.css")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var rules [][]byte
	for _, name := range sheets {
		text, err := fs.ReadFile(app, name)
		if err != nil {
			panic(fmt.Errorf("the app's file %s: %w", name, err)) // it is embedded
		}
		rules = append(rules, fontFace.FindAll(text, -1)...)
	}
	return bytes.Join(rules, []byte("\n"))
}

// typeOf names a file's type the same on every machine.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".woff2":
		return "font/woff2"
	case ".svg":
		return "image/svg+xml"
	}
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known
	}
	return fiber.MIMEOctetStream
}

func (f *appFile) answer(c *fiber.Ctx) error {
	body, tag := f.plain, `"`+f.tag+`"`
	c.Vary(fiber.HeaderAcceptEncoding)
	if packed := f.packed(); packed != nil && acceptsGzip(c.Get(fiber.HeaderAcceptEncoding)) {
		body, tag = packed, `"`+f.tag+`-gzip"`
		c.Set(fiber.HeaderContentEncoding, "gzip")
	}
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderContentType, f.mime)
	if bytes.Equal(c.Request().Header.Peek(fiber.HeaderIfNoneMatch), []byte(tag)) {
		c.Response().Header.Del(fiber.HeaderContentEncoding)
		return c.SendStatus(http.StatusNotModified)
	}
	return c.Send(body)
}
