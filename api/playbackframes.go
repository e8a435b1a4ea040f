package api

import (
	"math"
	"slices"
	"strconv"
	"time"

	"cityhub/api/citymap"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/statistics"
)

// Playback is the answer with a span's frames.
type Playback struct {
	Property string          `json:"property"`
	Unit     string          `json:"unit"`
	Fn       string          `json:"fn"`
	Step     string          `json:"step"`
	From     time.Time       `json:"from"`
	To       time.Time       `json:"to" doc:"The end of the last frame"`
	Stations []PlayedStation `json:"stations" nullable:"false"`
	Frames   []PlayedFrame   `json:"frames" nullable:"false" doc:"One for each step"`
}

// PlayedStation is a station with values in the frames.
type PlayedStation struct {
	Thing    string   `json:"thing" doc:"Code"`
	Name     string   `json:"name"`
	Position Position `json:"position" nullable:"true" doc:"Null where it is unknown, or moves"`
	Moves    bool     `json:"moves" doc:"It is mobile or was moved within the span: its places are the frames'"`
}

// PlayedFrame is one step.
type PlayedFrame struct {
	From   time.Time   `json:"from"`
	Values []*float64  `json:"values" nullable:"false" doc:"In the order of stations; null where nothing was read. Truth values are 1 and 0"`
	Places [][]float64 `json:"places,omitempty" doc:"[index in stations, longitude, latitude] of those that move: where they read last in this frame"`
}

const playbackExample = `{"property":"pm25","unit":"µg/m³","fn":"mean","step":"PT1H","from":"2026-01-31T17:00:00Z","to":"2026-01-31T19:00:00Z",
"stations":[{"thing":"HN-001","name":"Hồ Gươm","position":[105.852,21.028],"moves":false},{"thing":"BUS-32","name":"Bus 32","position":null,"moves":true}],
"frames":[{"from":"2026-01-31T17:00:00Z","values":[41.25,38],"places":[[1,105.8195,21.0285]]},{"from":"2026-01-31T18:00:00Z","values":[40.5,null]}]}`

// playback is the answer before it has a form.
type playback struct {
	in      *playbackInput
	query   *statistics.FrameQuery
	unit    string
	players []statistics.Player
	frames  []statistics.Frame
	shown   []int // the players that are told, by their index on the wire
}

func (p *playback) json() []byte {
	p.choose()
	b := make([]byte, 0, 512+100*len(p.shown)+len(p.frames)*(48+8*len(p.shown)))
	b = append(b, `{"property":`...)
	b = citymap.AppendText(b, p.query.Property)
	b = append(b, `,"unit":`...)
	b = citymap.AppendText(b, p.unit)
	b = append(b, `,"fn":"`+p.in.Fn+`","step":"`+p.in.Step+`"`...)
	b = appendSpan(b, time.Unix(0, p.query.From), time.Unix(0, p.query.To))
	b = append(b, `,"stations":[`...)
	for i, player := range p.shown {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPlayer(b, &p.players[player])
	}
	b = append(b, `],"frames":[`...)
	for i := range p.frames {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.appendFrame(b, p.query.Starts[i], &p.frames[i])
	}
	return append(b, "]}\n"...)
}

// choose leaves out what moves and was nowhere in the window.
func (p *playback) choose() {
	for i := range p.players {
		been := func(f statistics.Frame) bool { return !math.IsNaN(f.Values[i]) }
		if !p.players[i].Moves || slices.ContainsFunc(p.frames, been) {
			p.shown = append(p.shown, i)
		}
	}
}

func appendPlayer(b []byte, p *statistics.Player) []byte {
	b = append(b, `{"thing":`...)
	b = citymap.AppendText(b, p.Station.Code)
	b = append(b, `,"name":`...)
	b = citymap.AppendText(b, p.Station.Name)
	b = append(b, `,"position":`...)
	if p.Position == nil {
		b = append(b, "null"...)
	} else {
		b = append(b, '[')
		b = appendPlace(b, p.Position)
		b = append(b, ']')
	}
	b = append(b, `,"moves":`...)
	b = strconv.AppendBool(b, p.Moves)
	return append(b, '}')
}

func appendPlace(b []byte, p *geo.Position) []byte {
	b = strconv.AppendFloat(b, p.Lon, 'f', -1, 64)
	b = append(b, ',')
	return strconv.AppendFloat(b, p.Lat, 'f', -1, 64)
}

func (p *playback) appendFrame(b []byte, start int64, f *statistics.Frame) []byte {
	b = append(b, `{"from":"`...)
	b = time.Unix(0, start).UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","values":[`...)
	for i, player := range p.shown {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.appendValue(b, f.Values[player])
	}
	b = append(b, ']')
	if len(f.Places) > 0 {
		b = p.appendPlaces(b, f)
	}
	return append(b, '}')
}

func (p *playback) appendValue(b []byte, v float64) []byte {
	if p.query.Function == statistics.Mean && !math.IsNaN(v) && !math.IsInf(v, 0) {
		return strconv.AppendFloat(b, v, 'g', 7, 64)
	}
	return citymap.AppendValue(b, telemetry.NumberOf(v))
}

func (p *playback) appendPlaces(b []byte, f *statistics.Frame) []byte {
	b = append(b, `,"places":[`...)
	first := true
	for i, player := range p.shown {
		place, known := f.Places[player]
		if !known {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, ',')
		b = appendPlace(b, &place.Position)
		b = append(b, ']')
	}
	return append(b, ']')
}
