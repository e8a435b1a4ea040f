package api

import (
	"bytes"
	"embed"
	"html/template"
	"maps"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed page
var pageFiles embed.FS

// pages serves the app, the status page, the API's page and their files.
func (s *Server) pages() {
	router, templates := withHead{s.app}, s.templates
	s.serveApp(router, templates)
	router.Add(http.MethodGet, "/status", func(c *fiber.Ctx) error {
		return render(c, templates, "status.html", map[string]any{"Here": "status"})
	})
	router.Add(http.MethodGet, "/api/docs", func(c *fiber.Ctx) error {
		return render(c, templates, "docs.html", map[string]any{"Here": "docs", "Groups": s.callGroups(), "Spec": openAPIPath, "Base": base})
	})
	for address, first := range map[string]bool{"/sign-in": false, "/set-up": true} {
		router.Add(http.MethodGet, address, func(c *fiber.Ctx) error {
			return render(c, templates, "sign-in.html", s.signInPage(c, first))
		})
	}
	fonts := fontFaces(s.o.App)
	router.Add(http.MethodGet, "/page/fonts.css", func(c *fiber.Ctx) error {
		c.Type("css", "utf-8")
		return c.Send(fonts)
	})
	for _, name := range []string{"status.js", "sign-in.js", "style.css", "icon.svg"} {
		text, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			panic(err) // embedded too
		}
		router.Add(http.MethodGet, "/page/"+name, func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderContentType, typeOf(name))
			return c.Send(text)
		})
	}
}

// signInPage is what the sign-in page shows; of a trouble only one that the hub
// has words for.
func (s *Server) signInPage(c *fiber.Ctx, first bool) map[string]any {
	l := pageLang(c)
	_, known := signOnWords()[c.Query("trouble")]
	page := map[string]any{"SetUp": first, "Fresh": s.o.Accounts.Empty(), "SignOn": ""}
	if known && !first {
		page["Trouble"] = words(l)[c.Query("trouble")]
	}
	if s.o.SignOn.Provider != nil && !first {
		page["SignOn"] = signOnPath
	}
	return page
}

// wantsPage is whether somebody's browser asks for a page, and no program for data.
func wantsPage(c *fiber.Ctx) bool {
	return !strings.HasPrefix(c.Path(), "/api/") && strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)
}

func pageLang(c *fiber.Ctx) lang {
	switch lang(c.Query("lang")) {
	case vietnamese:
		return vietnamese
	case english:
		return english
	}
	return langOf(c.Get(fiber.HeaderAcceptLanguage))
}

// parsePages reads the templates of the pages.
func parsePages() *template.Template {
	return template.Must(template.ParseFS(pageFiles, "page/*.html")) // embedded, so a fault shows in every test
}

// render answers with a page in the caller's language; data may name it Here.
func render(c *fiber.Ctx, templates *template.Template, name string, data map[string]any) error {
	all := map[string]any{"T": words(pageLang(c)), "Here": ""}
	maps.Copy(all, data)
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name, all); err != nil {
		return err
	}
	c.Type("html", "utf-8")
	c.Vary(fiber.HeaderAcceptLanguage)
	return c.Send(page.Bytes())
}
