package api

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// ambiguous finds headers that another parser in front of the hub could read
// differently, so that it would see other requests on the connection than the
// hub does: a length beside a transfer coding, and folded lines. Different
// lengths and a second Host are refused by fasthttp itself.
func ambiguous(h *fasthttp.RequestHeader) string {
	length, coding := false, false
	for line := range bytes.SplitSeq(h.RawHeaders(), []byte("\n")) {
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			return "the header has a folded line"
		}
		name, _, _ := bytes.Cut(line, []byte(":"))
		length = length || bytes.EqualFold(name, []byte("Content-Length"))
		coding = coding || bytes.EqualFold(name, []byte("Transfer-Encoding"))
	}
	if length && coding {
		return "the header has both Content-Length and Transfer-Encoding"
	}
	return ""
}
