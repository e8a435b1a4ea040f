package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/devices/labels"
)

// LabelsBody asks for a sheet of labels.
type LabelsBody struct {
	Devices    []Ref `json:"devices" minItems:"1" maxItems:"500" doc:"Codes or ids"`
	PerRow     int   `json:"perRow,omitempty" minimum:"1" maximum:"5" doc:"Labels beside each other on A4; 3 when absent"`
	ClaimCodes bool  `json:"claimCodes,omitempty" doc:"Make each device a new claim code and print it; only of devices in stock, and by those who may make one"`
}

// LabelTextBody is what a camera read.
type LabelTextBody struct {
	Text string `json:"text" minLength:"1" maxLength:"4296"`
}

// LabelReading is what a label says, and the device that it means.
type LabelReading struct {
	Code      string  `json:"code,omitempty" doc:"Of a hub's own label: with the claim code, to claim it by, or of a device of yours"`
	ClaimCode string  `json:"claimCode,omitempty"`
	JoinEUI   string  `json:"joinEui,omitempty" doc:"Of a LoRa Alliance label (TR005)"`
	DevEUI    string  `json:"devEui,omitempty"`
	VendorID  string  `json:"vendorId,omitempty"`
	ProfileID string  `json:"profileId,omitempty" doc:"The vendor's profile"`
	Serial    string  `json:"serial,omitempty"`
	Owner     string  `json:"ownerToken,omitempty"`
	Vendor    string  `json:"vendorText,omitempty"`
	Device    *Device `json:"device,omitempty" doc:"The registered device, where it is one of yours"`
	Proposal  *struct {
		Code   string `json:"code"`
		Serial string `json:"serial,omitempty"`
		DevEUI string `json:"devEui"`
	} `json:"proposal,omitempty" doc:"How to register it, where it is none of yours"`
}

// file is an answer that is no JSON.
type file struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	CacheControl       string `header:"Cache-Control"`
	Body               []byte
}

func (s *Server) labelling() {
	type one struct {
		ByID
		Format string `query:"format" enum:"svg,png,pdf" default:"svg"`
		Host   string `header:"Host" hidden:"true"`
	}
	register(s, huma.Operation{OperationID: "get-label", Method: http.MethodGet, Path: base + "/devices/{id}/label",
		Summary: "A device's label with its QR code", Tags: []string{"devices"}, Errors: []int{http.StatusNotFound},
		Description: "The code holds the device's address at the hub and nothing secret.",
		Responses:   fileResponse("image/svg+xml", "image/png", "application/pdf"),
	}, access.DeviceOperate, func(ctx context.Context, in *one) (*file, error) {
		device, err := s.ownDevice(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		l, err := s.label(ctx, &device, in.Host)
		if err != nil {
			return nil, err
		}
		return drawn(l, in.Format)
	})
	type sheet struct {
		Host string `header:"Host" hidden:"true"`
		Body LabelsBody
	}
	register(s, huma.Operation{OperationID: "make-labels", Method: http.MethodPost, Path: base + "/labels",
		Summary: "A sheet of labels, A4", Tags: []string{"devices"}, Errors: []int{http.StatusForbidden, http.StatusConflict, http.StatusUnsupportedMediaType},
		Responses: fileResponse("application/pdf"),
	}, access.DeviceOperate, func(ctx context.Context, in *sheet) (*file, error) { return s.sheet(ctx, &in.Body, in.Host) })
	type read struct{ Body LabelTextBody }
	register(s, huma.Operation{OperationID: "read-label", Method: http.MethodPost, Path: base + "/labels/read",
		Summary: "What a QR code that a camera read means", Tags: []string{"devices"}, Errors: []int{http.StatusUnsupportedMediaType},
		Description: "Reads the hub's own labels and LoRa Alliance device codes (TR005), and finds the device or proposes a new one.",
	}, access.DeviceOperate, func(ctx context.Context, in *read) (*shown[LabelReading], error) {
		return s.readLabel(ctx, in.Body.Text)
	})
}

func fileResponse(types ...string) map[string]*huma.Response {
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return map[string]*huma.Response{"200": {Description: "OK", Content: content}}
}

func (s *Server) label(ctx context.Context, d *devices.Device, host string) (*labels.Label, error) {
	address := strings.TrimRight(s.o.PublicURL, "/")
	if address == "" {
		address = "http://" + host
	}
	model, err := s.view().sensors.get(ctx, d.SensorID)
	return &labels.Label{Hub: address, Code: d.Code, Serial: d.Serial, Model: model.Name}, err
}

func drawn(l *labels.Label, format string) (*file, error) {
	out := &file{ContentDisposition: `inline; filename="` + l.Code + "." + format + `"`, CacheControl: noStore}
	var err error
	switch format {
	case "png":
		out.ContentType = "image/png"
		out.Body, err = l.PNG()
	case "pdf":
		out.ContentType = "application/pdf"
		out.Body, err = labels.Sheet([]labels.Label{*l}, 1)
	default:
		out.ContentType = "image/svg+xml"
		out.Body, err = l.SVG()
	}
	return out, err
}

func (s *Server) sheet(ctx context.Context, b *LabelsBody, host string) (*file, error) {
	makers, may := access.PrincipalOf(ctx).Scope(access.DeviceHandOver)
	if b.ClaimCodes && !may {
		return nil, problem(http.StatusForbidden, "claimCodes: none of your roles permits making claim codes ("+string(access.DeviceHandOver)+")")
	}
	all := make([]labels.Label, 0, len(b.Devices))
	for _, ref := range b.Devices {
		found, err := find(ctx, s.o.Registry.Devices, "devices", ref)
		if err != nil {
			return nil, err
		}
		device, err := s.ownDevice(ctx, found.ID)
		if err != nil {
			return nil, err
		}
		l, err := s.label(ctx, &device, host)
		if err != nil {
			return nil, err
		}
		if b.ClaimCodes {
			if !makers.Owns(device.OrganisationID) {
				return nil, problem(http.StatusForbidden, "claimCodes: "+device.Code+" is not yours to hand over")
			}
			if l.ClaimCode, _, err = s.o.Claims.Make(ctx, &device, 0); err != nil {
				return nil, err
			}
		}
		all = append(all, *l)
	}
	if b.PerRow == 0 {
		b.PerRow = 3
	}
	pdf, err := labels.Sheet(all, b.PerRow)
	return &file{"application/pdf", `attachment; filename="labels.pdf"`, noStore, pdf}, err
}

// readLabel finds the device that a label means among those that the caller
// owns: what others own is proposed as if nobody had it.
func (s *Server) readLabel(ctx context.Context, text string) (*shown[LabelReading], error) {
	r, err := labels.Read(text)
	if err != nil {
		return nil, err
	}
	out := LabelReading{ClaimCode: r.ClaimCode, JoinEUI: r.JoinEUI, DevEUI: r.DevEUI, VendorID: r.VendorID,
		ProfileID: r.Profile, Serial: r.Serial, Owner: r.Owner, Vendor: r.Vendor}
	if r.ClaimCode != "" {
		out.Code = r.Code
	}
	match := map[string]any{"dev_eui": r.DevEUI}
	if r.Code != "" {
		match = map[string]any{"code": r.Code}
	}
	found, err := s.o.Registry.Devices.List(ctx, devices.Page{Limit: 1, Match: match})
	if err != nil {
		return nil, err
	}
	if len(found) == 1 && access.ScopeOf(ctx).Owns(found[0].OrganisationID) {
		device, err := s.showDevice(ctx, s.view(), &found[0], true)
		out.Code, out.Device = found[0].Code, &device
		return &shown[LabelReading]{out}, err
	}
	if r.DevEUI != "" {
		out.Proposal = &struct {
			Code   string `json:"code"`
			Serial string `json:"serial,omitempty"`
			DevEUI string `json:"devEui"`
		}{strings.ToLower(r.DevEUI), r.Serial, r.DevEUI}
	}
	return &shown[LabelReading]{out}, nil
}
