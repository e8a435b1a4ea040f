package api

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/devices"
)

// Paging are the parameters of every list.
type Paging struct {
	After string `query:"after" doc:"Opaque; from the next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Items a page, at most 1,000"`

	address url.URL
}

// Resolve keeps the address, for the next page's.
func (p *Paging) Resolve(ctx huma.Context) []error {
	p.address = ctx.URL()
	return nil
}

func (p *Paging) paging() *Paging { return p }

// cursor gives the id after which the page begins.
func (p *Paging) cursor() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.After)
	if err != nil {
		return 0, badParameter("after", "is not from a page's next")
	}
	id, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || id < 0 {
		return 0, badParameter("after", "is not from a page's next")
	}
	return id, nil
}

// next gives the address of the page after an id.
func (p *Paging) next(id int64) string {
	return p.with("after", base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, id, 10)))
}

// with gives this address with another value of one parameter.
func (p *Paging) with(name, value string) string {
	query := p.address.Query()
	query.Set(name, value)
	return p.address.Path + "?" + query.Encode()
}

// Collection is one page of a list.
type Collection[W any] struct {
	Items []W    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Address of the next page; absent on the last"`
}

// collected is the answer of a list.
type collected[W any] struct {
	Link string `header:"Link"`
	Body Collection[W]
}

func collection[W any](items []W, next string) *collected[W] {
	out := &collected[W]{Body: Collection[W]{Items: items, Next: next}}
	if items == nil {
		out.Body.Items = []W{}
	}
	if next != "" {
		out.Link = "<" + next + `>; rel="next"`
	}
	return out
}

// selection is what a list's filter asks the store for: the union of the
// matches, less what keep turns away.
type selection[T any] struct {
	matches []map[string]any
	keep    func(*T) bool // nil keeps all
}

func all[T any](match map[string]any) selection[T] {
	return selection[T]{matches: []map[string]any{match}}
}

// page reads one page of a selection by ascending id, and says whether more
// follows.
func (sel selection[T]) page(ctx context.Context, nouns *devices.Nouns[T], id func(*T) int64, after int64, limit int) ([]T, bool, error) {
	var found []T
	for _, match := range sel.matches {
		some, err := sel.some(ctx, nouns, id, devices.Page{After: after, Limit: limit + 1, Match: match})
		if err != nil {
			return nil, false, err
		}
		found = append(found, some...)
	}
	if len(sel.matches) > 1 {
		slices.SortFunc(found, func(a, b T) int { return int(min(max(id(&a)-id(&b), -1), 1)) })
	}
	if len(found) > limit {
		return found[:limit], true, nil
	}
	return found, false, nil
}

// some reads on until the page is full of what is kept, or the table ends.
func (sel selection[T]) some(ctx context.Context, nouns *devices.Nouns[T], id func(*T) int64, page devices.Page) ([]T, error) {
	var found []T
	for {
		items, err := nouns.List(ctx, page)
		if err != nil {
			return nil, err
		}
		for i := range items {
			if sel.keep == nil || sel.keep(&items[i]) {
				found = append(found, items[i])
			}
		}
		if len(items) < page.Limit || len(found) >= page.Limit {
			return found, nil
		}
		page.After = id(&items[len(items)-1])
	}
}
