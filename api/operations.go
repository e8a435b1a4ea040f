package api

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// OperationsOptions says what the operations listener shows. All are required.
type OperationsOptions struct {
	Ready    func() []string // why the hub is not ready; none when it is
	Gatherer prometheus.Gatherer
}

// Operations is the handler of the operations listener, which is for the
// city's IT alone: /livez, /readyz, /metrics and /debug/pprof.
func Operations(o OperationsOptions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writeText(w, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		reasons := o.Ready()
		if len(reasons) == 0 {
			writeText(w, "ready\n")
			return
		}
		p := problem(http.StatusServiceUnavailable, "the hub is not ready: "+reasons[0])
		p.after = 5 * time.Second
		for _, reason := range reasons {
			p.Errors = append(p.Errors, FieldProblem{"ready", reason})
		}
		writeProblem(w, r, p)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !safe(r.Method) {
			writeProblem(w, r, problem(http.StatusMethodNotAllowed, "this listener is only read"))
			return
		}
		writeProblem(w, r, problem(http.StatusNotFound, "here are /livez, /readyz, /metrics and /debug/pprof/"))
	})
	return mux
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text)) // a caller that is gone needs no answer
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.Title = title(p.Status, langOf(r.Header.Get("Accept-Language")))
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Detail, p.Status)
		return
	}
	w.Header().Set("Content-Type", problemJSON)
	if p.after > 0 {
		w.Header().Set("Retry-After", retryAfter(p.after))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // as above
}
