package api

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

//go:embed page
var pageFiles embed.FS

// pages serves the app, the status page, the API's page and their files.
func (s *Server) pages() {
	templates := template.Must(template.ParseFS(pageFiles, "page/*.html")) // embedded, so a fault shows in every test
	router := withHead{s.app}
	s.serveApp(router, templates)
	router.Add(http.MethodGet, "/status", func(c *fiber.Ctx) error {
		return render(c, templates, "status.html", map[string]any{"T": words(pageLang(c))})
	})
	router.Add(http.MethodGet, "/api/docs", func(c *fiber.Ctx) error {
		return render(c, templates, "docs.html", map[string]any{"T": words(pageLang(c)), "Calls": s.calls(), "Spec": openAPIPath})
	})
	for address, first := range map[string]bool{"/sign-in": false, "/set-up": true} {
		router.Add(http.MethodGet, address, func(c *fiber.Ctx) error {
			return render(c, templates, "sign-in.html", s.signInPage(c, first))
		})
	}
	for _, name := range []string{"status.js", "sign-in.js", "style.css"} {
		text, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			panic(err) // embedded too
		}
		router.Add(http.MethodGet, "/page/"+name, func(c *fiber.Ctx) error {
			c.Type(strings.TrimPrefix(path.Ext(name), "."), "utf-8")
			return c.Send(text)
		})
	}
}

// signInPage is what the sign-in page shows; of a trouble only one that the hub
// has words for.
func (s *Server) signInPage(c *fiber.Ctx, first bool) map[string]any {
	l := pageLang(c)
	_, known := signOnWords()[c.Query("trouble")]
	page := map[string]any{"T": words(l), "SetUp": first, "SignOn": ""}
	if known && !first {
		page["Trouble"] = words(l)[c.Query("trouble")]
	}
	if s.o.SignOn.Provider != nil && !first {
		page["SignOn"] = signOnPath
	}
	return page
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

func render(c *fiber.Ctx, templates *template.Template, name string, data any) error {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name, data); err != nil {
		return err
	}
	c.Type("html", "utf-8")
	c.Vary(fiber.HeaderAcceptLanguage)
	return c.Send(page.Bytes())
}

// call is one operation as the API's page shows it.
type call struct {
	Method, Path, Summary, Description string
	Parameters                         []*huma.Param
	Answers                            []string
}

func (s *Server) calls() []call {
	var calls []call
	for address, item := range s.api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			one := call{Method: op.Method, Path: address, Summary: op.Summary, Description: op.Description, Parameters: op.Parameters}
			for status := range op.Responses {
				one.Answers = append(one.Answers, status)
			}
			slices.Sort(one.Answers)
			calls = append(calls, one)
		}
	}
	slices.SortFunc(calls, func(a, b call) int {
		return strings.Compare(a.Path+a.Method, b.Path+b.Method)
	})
	return calls
}
