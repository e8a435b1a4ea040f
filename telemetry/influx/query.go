package influx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// question is what is asked of one bucket, in the shape that InfluxDB answers
// from its storage: a range, literal comparisons, and at most a bare last.
// One table comes per series, a group's series together.
type question struct {
	bucket   string
	from, to int64    // half-open
	groups   []string // nil: all
	fields   []string // nil: all
	tail     string   // of the pipe: "" or bareLast
	limit    int      // of every series; 0: none
}

const (
	bareLast = " |> last()"
	// compact halves the answer by leaving out columns that say nothing new.
	// InfluxDB then holds the whole answer and sorts its tables by the names of
	// their key columns: the field's must come after g.
	compact = ` |> drop(columns: ["_start", "_stop", "_measurement"]) |> rename(columns: {_field: "hub_field"})`
	// compactWithin is the longest range of which some groups are held so.
	compactWithin = int64(2 * time.Hour)
)

// regexFrom is the number of groups from which one regular expression costs
// InfluxDB less than a tree of comparisons (measured: the same at 10, half at
// 500; a flat chain of 500 is refused as nested too deep).
const regexFrom = 10

func (q question) flux() string {
	var b strings.Builder
	fmt.Fprintf(&b, "from(bucket: %s) |> range(start: %s, stop: %s)", fluxString(q.bucket), formatTime(q.from), formatTime(q.to))
	b.WriteString(` |> filter(fn: (r) => r._measurement == "observation"`)
	if q.groups != nil {
		b.WriteString(" and (")
		writeGroups(&b, q.groups)
		b.WriteString(")")
	}
	if q.fields != nil {
		b.WriteString(" and (")
		writeTree(&b, "r._field == ", q.fields)
		b.WriteString(")")
	}
	b.WriteString(")" + q.tail)
	if q.limit > 0 {
		fmt.Fprintf(&b, " |> limit(n: %d)", q.limit)
	}
	if q.limit > 0 || len(q.groups) == 1 || q.groups != nil && uint64(q.to-q.from) <= uint64(compactWithin) {
		b.WriteString(compact)
	}
	return b.String()
}

func writeGroups(b *strings.Builder, groups []string) {
	if len(groups) <= regexFrom {
		writeTree(b, "r.g == ", groups)
		return
	}
	b.WriteString("r.g =~ /^(")
	b.WriteString(strings.Join(groups, "|"))
	b.WriteString(")$/")
}

// writeTree writes comparisons joined by or as a balanced tree.
func writeTree(b *strings.Builder, left string, values []string) {
	if len(values) == 1 {
		b.WriteString(left + fluxString(values[0]))
		return
	}
	half := len(values) / 2
	b.WriteByte('(')
	writeTree(b, left, values[:half])
	b.WriteString(" or ")
	writeTree(b, left, values[half:])
	b.WriteByte(')')
}

// fluxString quotes a text so that Flux takes none of it for code.
func fluxString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `${`, `\${`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
}

// ask runs a Flux program and hands out the cells of its answer.
func (a *Archive) ask(ctx context.Context, bucket, flux string, each func(*cell) error) error {
	response, err := a.query(ctx, bucket, flux, "datatype")
	if err != nil {
		return err
	}
	defer response.Close()
	in := newAnswer(response)
	var c cell
	for {
		err := in.next(&c)
		if errors.Is(err, io.EOF) {
			return ctx.Err()
		}
		if err != nil {
			return a.interrupted(ctx, err)
		}
		if err := each(&c); err != nil {
			return err
		}
	}
}

// query posts a Flux program and answers the body of its answer.
func (a *Archive) query(ctx context.Context, bucket, flux string, annotations ...string) (io.ReadCloser, error) {
	program, err := json.Marshal(map[string]any{
		"query": flux, "type": "flux",
		"dialect": map[string]any{"header": true, "annotations": append([]string{}, annotations...)},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the query: %w", err)
	}
	var response io.ReadCloser
	failed := a.client.HTTPService().DoPostRequest(ctx, a.apiURL+"query?"+url.Values{"org": {a.opts.Org}}.Encode(),
		strings.NewReader(string(program)),
		func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		func(r *http.Response) error { response = r.Body; return nil })
	return response, a.failure(ctx, bucket, failed)
}

var decimal = regexp.MustCompile(`^-?[0-9]+$`)

// groupsIn lists the groups that have lines in a range, in InfluxDB's order.
func (a *Archive) groupsIn(ctx context.Context, bucket string, from, to int64) ([]string, error) {
	flux := fmt.Sprintf(`import "influxdata/influxdb/schema"
schema.tagValues(bucket: %s, tag: "g", start: %s, stop: %s)`, fluxString(bucket), formatTime(from), formatTime(to))
	response, err := a.query(ctx, bucket, flux)
	if err != nil {
		return nil, err
	}
	defer response.Close()
	in := newAnswer(response)
	groups := []string{}
	for {
		err := in.read()
		if errors.Is(err, io.EOF) {
			slices.Sort(groups)
			return groups, ctx.Err()
		}
		if err != nil {
			return nil, a.interrupted(ctx, err)
		}
		if value := in.column(len(in.ends) - 1); decimal.Match(value) {
			groups = append(groups, string(value))
		}
	}
}

// groupNames gives tag values in InfluxDB's order, which is that of text; nil
// stays nil.
func groupNames(groups []int64) []string {
	if groups == nil {
		return nil
	}
	names := make([]string, 0, len(groups))
	for _, group := range groups {
		names = append(names, strconv.FormatInt(group, 10))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
