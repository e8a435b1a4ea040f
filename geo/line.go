package geo

// AppendTrack writes a GeoJSON geometry of pieces of a line: LineString for
// one, MultiLineString for several, Point for a single position, null for
// none. Among other pieces a lone position stands twice, as a LineString needs
// two. Altitudes are written where one is known.
func AppendTrack(b []byte, pieces [][]Position) []byte {
	high := false
	for _, piece := range pieces {
		for _, p := range piece {
			high = high || p.Alt != 0
		}
	}
	switch {
	case len(pieces) == 0:
		return append(b, "null"...)
	case len(pieces) > 1:
		b = append(b, `{"type":"MultiLineString","coordinates":[`...)
		for i, piece := range pieces {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendPiece(b, piece, high)
		}
		return append(b, "]}"...)
	case len(pieces[0]) == 1:
		b = append(b, `{"type":"Point","coordinates":`...)
		return append(appendPosition(b, pieces[0][0], high), '}')
	}
	b = append(b, `{"type":"LineString","coordinates":`...)
	return append(appendPiece(b, pieces[0], high), '}')
}

func appendPiece(b []byte, line []Position, high bool) []byte {
	b = append(b, '[')
	if len(line) == 1 {
		b = append(appendPosition(b, line[0], high), ',')
	}
	for i, p := range line {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPosition(b, p, high)
	}
	return append(b, ']')
}
