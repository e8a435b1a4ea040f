package api

import (
	"context"

	"cityhub/devices"
)

// ObservedProperty is what is measured.
type ObservedProperty struct {
	ID int64 `json:"id"`
	ObservedPropertyBody
}

// ObservedPropertyBody is what can be written of an observed property.
type ObservedPropertyBody struct {
	Code       string `json:"code" doc:"Unique; a-z, 0-9 and _, beginning with a letter; fixed for ever"`
	Name       string `json:"name" required:"false" doc:"The code when absent"`
	Definition string `json:"definition" required:"false" doc:"URI of its definition"`
	Unit       string `json:"unit" required:"false" doc:"As people write it" example:"µg/m³"`
	Kind       string `json:"kind" required:"false" enum:"number,boolean,text" doc:"Fixed for ever; number when absent"`
}

type propertyList struct {
	Paging
	Code string `query:"code"`
}

func (q *propertyList) selection(context.Context, *devices.Registry) (selection[devices.ObservedProperty], error) {
	return all[devices.ObservedProperty](byCode(q.Code)), nil
}

func propertyBody(p *devices.ObservedProperty) ObservedPropertyBody {
	return ObservedPropertyBody{p.Code, p.Name, p.Definition, p.Unit, string(p.Kind)}
}

func (s *Server) properties() {
	n := noun[devices.ObservedProperty, ObservedProperty, ObservedPropertyBody]{path: "/observed-properties", one: "observed-property", access: catalogue,
		nouns: s.o.Registry.Properties, id: func(p *devices.ObservedProperty) int64 { return p.ID },
		show: func(_ context.Context, _ *view, p *devices.ObservedProperty, _ bool) (ObservedProperty, error) {
			return ObservedProperty{p.ID, propertyBody(p)}, nil
		},
		body: func(_ context.Context, _ *view, p *devices.ObservedProperty) (ObservedPropertyBody, error) {
			return propertyBody(p), nil
		},
		apply: func(_ context.Context, b *ObservedPropertyBody, p *devices.ObservedProperty) error {
			p.Code, p.Name, p.Definition, p.Unit, p.Kind = b.Code, b.Name, b.Definition, b.Unit, devices.Kind(b.Kind)
			return nil
		},
	}
	list[propertyList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
}
