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

// words are the texts of the pages; the templates ask for them by name.
func words(l lang) map[string]string {
	all := map[string][2]string{
		"title":        {"cityhub – status", "cityhub – tình trạng"},
		"heading":      {"The city's sensors", "Cảm biến của thành phố"},
		"parts":        {"The hub's parts", "Các bộ phận"},
		"broker":       {"MQTT broker", "Máy chủ MQTT"},
		"archive":      {"Archive", "Kho lưu trữ"},
		"spool":        {"Waiting for the archive", "Chờ ghi vào kho"},
		"intake":       {"Intake", "Tiếp nhận"},
		"ok":           {"works", "hoạt động"},
		"down":         {"does not answer", "không phản hồi"},
		"failing":      {"does not keep readings", "không ghi được dữ liệu"},
		"readings":     {"readings", "số đo"},
		"counters":     {"Readings since the start", "Số đo từ khi khởi động"},
		"received":     {"received", "đã nhận"},
		"accepted":     {"accepted", "đã tiếp nhận"},
		"stored":       {"stored", "đã lưu"},
		"queued":       {"queued", "đang chờ"},
		"duplicates":   {"duplicates", "trùng lặp"},
		"quarantined":  {"quarantined", "cách ly"},
		"rejected":     {"rejected", "từ chối"},
		"dropped":      {"dropped", "bỏ"},
		"properties":   {"What is measured", "Các đại lượng đo"},
		"property":     {"Property", "Đại lượng"},
		"stations":     {"Stations with a value", "Trạm có số liệu"},
		"noProperties": {"No reading has arrived yet.", "Chưa có số đo nào."},
		"lost":         {"The hub does not answer; trying again.", "Không kết nối được; đang thử lại."},
		"registry":     {"Registered: stations, devices", "Đã đăng ký: trạm, thiết bị"},
		"api":          {"Programming interface", "Giao diện lập trình"},
		"other":        {"Tiếng Việt", "English"},
		"skip":         {"Skip to content", "Đến nội dung chính"},
		"version":      {"Version", "Phiên bản"},
		"parameters":   {"Parameters", "Tham số"},
		"answers":      {"Answers", "Trả lời"},
		"description":  {"The OpenAPI description", "Mô tả OpenAPI"},
	}
	i, out := 0, make(map[string]string, len(all)+2)
	out["lang"], out["otherLang"] = string(english), string(vietnamese)
	if l == vietnamese {
		i = 1
		out["lang"], out["otherLang"] = string(vietnamese), string(english)
	}
	for name, texts := range all {
		out[name] = texts[i]
	}
	return out
}

// pages serves the status page, the API's page and their files.
func (s *Server) pages() {
	templates := template.Must(template.ParseFS(pageFiles, "page/*.html")) // embedded, so a fault shows in every test
	router := withHead{s.app}
	router.Add(http.MethodGet, "/", func(c *fiber.Ctx) error {
		return render(c, templates, "status.html", map[string]any{"T": words(pageLang(c))})
	})
	router.Add(http.MethodGet, "/api/docs", func(c *fiber.Ctx) error {
		return render(c, templates, "docs.html", map[string]any{"T": words(pageLang(c)), "Calls": s.calls(), "Spec": openAPIPath})
	})
	for _, name := range []string{"status.js", "style.css"} {
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
