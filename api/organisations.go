package api

import (
	"context"

	"cityhub/devices"
)

// Organisation is a department, ward, utility or company.
type Organisation struct {
	ID int64 `json:"id"`
	OrganisationBody
}

// OrganisationBody is what can be written of an organisation.
type OrganisationBody struct {
	Code string `json:"code" doc:"Unique; A-Z, a-z, 0-9, _ and -"`
	Name string `json:"name" required:"false" doc:"The code when absent"`
}

type organisationList struct {
	Paging
	Code string `query:"code"`
}

func (q *organisationList) selection(context.Context, *devices.Registry) (selection[devices.Organisation], error) {
	return all[devices.Organisation](byCode(q.Code)), nil
}

// byCode matches a code, or everything when it is "".
func byCode(code string) map[string]any {
	match := map[string]any{}
	if code != "" {
		match["code"] = code
	}
	return match
}

func organisationID(o *devices.Organisation) int64 { return o.ID }

func (s *Server) organisations() {
	n := noun[devices.Organisation, Organisation, OrganisationBody]{path: "/organisations", one: "organisation", access: catalogue,
		nouns: s.o.Registry.Organisations, id: organisationID,
		show: func(_ context.Context, _ *view, o *devices.Organisation, _ bool) (Organisation, error) {
			return Organisation{o.ID, OrganisationBody{o.Code, o.Name}}, nil
		},
		body: func(_ context.Context, _ *view, o *devices.Organisation) (OrganisationBody, error) {
			return OrganisationBody{o.Code, o.Name}, nil
		},
		apply: func(_ context.Context, b *OrganisationBody, o *devices.Organisation) error {
			o.Code, o.Name = b.Code, b.Name
			return nil
		},
	}
	list[organisationList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
}
