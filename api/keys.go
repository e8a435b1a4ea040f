package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
)

// Key is a program's way in, without its secret.
type Key struct {
	ID int64 `json:"id"`
	KeyBody
	Hint    string     `json:"hint" doc:"How the secret begins"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used,omitempty" doc:"Last; absent when never"`
}

// KeyBody is what can be written of a key.
type KeyBody struct {
	Name string `json:"name" doc:"What the key is for"`
	RoleBody
	Expires *time.Time `json:"expires,omitempty" doc:"Counts no longer then; absent for never"`
}

// NewKey is a key with its secret, which is shown this once.
type NewKey struct {
	Key
	Secret string `json:"secret" doc:"Send it as Authorization: Bearer SECRET. It is kept nowhere: write it down now"`
}

type writtenKey struct {
	Location     string `header:"Location"`
	CacheControl string `header:"Cache-Control"`
	Body         NewKey
}

func (s *Server) keys() {
	path, tags := base+"/keys", []string{"keys"}
	register(s, huma.Operation{OperationID: "list-keys", Method: http.MethodGet, Path: path, Summary: "List API keys", Tags: tags},
		access.AccountRead, func(ctx context.Context, in *Paging) (*collected[Key], error) {
			return pageOf(ctx, s.view(), in, s.o.Accounts.Keys(ctx), func(k *access.Key) int64 { return k.ID }, showKey)
		})
	versioned(s, huma.Operation{OperationID: "get-key", Method: http.MethodGet, Path: path + "/{id}", Summary: "Get one API key", Tags: tags,
		Errors: []int{http.StatusNotFound},
	}, s.o.Accounts.Key, showKey, func(k *Key) KeyBody { return k.KeyBody })
	register(s, huma.Operation{OperationID: "create-key", Method: http.MethodPost, Path: path, Summary: "Create an API key", Tags: tags,
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusUnsupportedMediaType},
	}, access.AccountManage, s.createKey)
	register(s, huma.Operation{OperationID: "delete-key", Method: http.MethodDelete, Path: path + "/{id}", Summary: "Delete an API key, with effect at once", Tags: tags,
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access.AccountManage, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return &struct{}{}, s.o.Accounts.RemoveKey(ctx, in.ID)
	})
}

func (s *Server) createKey(ctx context.Context, in *struct{ Body KeyBody }) (*writtenKey, error) {
	b, err := s.binding(ctx, &in.Body.RoleBody)
	if err != nil {
		return nil, err
	}
	var expires time.Time
	if in.Body.Expires != nil {
		expires = *in.Body.Expires
	}
	made, secret, err := s.o.Accounts.AddKey(ctx, in.Body.Name, b, expires)
	if err != nil {
		return nil, err
	}
	out, err := showKey(ctx, s.view(), &made)
	return &writtenKey{Location: base + "/keys/" + strconv.FormatInt(made.ID, 10), CacheControl: noStore, Body: NewKey{out, secret}}, err
}

func showKey(ctx context.Context, v *view, k *access.Key) (Key, error) {
	role, err := showBinding(ctx, v, k.Binding)
	return Key{ID: k.ID, KeyBody: KeyBody{k.Name, role, instant(k.Expires)}, Hint: k.Hint, Created: k.Created.UTC(), Used: instant(k.Used)}, err
}
