package citymap

import (
	"math"
	"strconv"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// A map tile of 256 pixels has 4 × 4 cells, each with one cluster at most. From
// singleZoom on nothing is clustered but what stands on one spot.
const (
	cellLevels = 2
	singleZoom = 19
	spotLevel  = 31
)

func levelOf(zoom int) int {
	if zoom >= singleZoom {
		return spotLevel
	}
	return zoom + cellLevels
}

// found is a cell's summary, and its station when it has one only.
type found struct {
	geo.Summary
	group int64
}

func (m *Map) look(property *devices.ObservedProperty, q *look) []found {
	l := m.layer(property)
	l.mu.RLock()
	defer l.mu.RUnlock()
	var cells []found
	l.cells(q, func(sum *dotSum) { cells = append(cells, found{sum.Summary, sum.group}) })
	return cells
}

// AppendClusters writes what a look shows as a GeoJSON FeatureCollection of
// points, clustered for a zoom of the map: at most one for each square of 64
// pixels, from zoom 19 on one for each spot. Stations without a place are left
// out.
func (m *Map) AppendClusters(b []byte, property *devices.ObservedProperty, of *Look, zoom int) []byte {
	q := look{scope: of.Scope, keep: of.Keep, window: everywhere, level: levelOf(zoom), now: of.Now}
	if w := of.Keep.Narrow(of.Window); w != nil {
		q.window = *w
	}
	l := m.layer(property)
	b = beginCollection(b)
	begin := len(b)
	l.mu.RLock()
	defer l.mu.RUnlock()
	var extent geo.Extent
	l.cells(&q, func(sum *dotSum) {
		if sum.Count > 1 {
			extent.Add(sum.Middle())
			b = appendCluster(append(b, ','), &sum.Summary, property.Unit)
			return
		}
		at, i, _ := l.tree.find(sum.group)
		extent.Add(l.tree.nodes[at].dots[i].position())
		b = append(b, l.textOf(m, property, at, i, q.now)...)
	})
	return endCollection(b, begin, &extent)
}

// textOf is what a dot of a leaf is written as. The layer is held; the text is
// never changed.
func (l *dotLayer) textOf(m *Map, property *devices.ObservedProperty, at int32, i int, now int64) []byte {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.texts = m.o.Now()
	n := &l.tree.nodes[at]
	n.write(m, property, now)
	return n.text[n.dots[i].from:n.dots[i].to]
}

func appendCluster(b []byte, c *geo.Summary, unit string) []byte {
	at := c.Middle()
	b = append(b, `{"type":"Feature","geometry":`...)
	b = geo.AppendPoint(b, &at)
	b = append(b, `,"properties":{"cluster":true,"count":`...)
	b = strconv.AppendInt(b, int64(c.Count), 10)
	for _, v := range []struct {
		name string
		of   float64
	}{{"min", c.Min}, {"mean", c.Mean()}, {"max", c.Max}} {
		b = append(b, `,"`...)
		b = append(b, v.name...)
		b = append(b, `":`...)
		if c.Numbers == 0 {
			v.of = math.NaN()
		}
		b = AppendValue(b, telemetry.NumberOf(v.of))
	}
	b = append(b, `,"unit":`...)
	b = AppendText(b, unit)
	b = append(b, `,"worst":"`...)
	b = append(b, States[c.Worst]...)
	return append(b, `"}}`...)
}
