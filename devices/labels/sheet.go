package labels

import (
	"bytes"
	"fmt"

	"github.com/go-fonts/dejavu/dejavusanscondensed"
	"github.com/go-pdf/fpdf"
)

// An A4 page in millimetres.
const (
	pageWidth, pageHeight = 210, 297
	margin                = 10
	gap                   = 4
)

// MaxPerRow and MaxLabels bound a sheet.
const (
	MaxPerRow = 5
	MaxLabels = 500
)

// Sheet draws labels on A4 pages, perRow beside each other, as PDF.
func Sheet(labels []Label, perRow int) ([]byte, error) {
	perRow = min(max(perRow, 1), MaxPerRow)
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.AddUTF8FontFromBytes("label", "", dejavusanscondensed.TTF)
	pdf.SetAutoPageBreak(false, 0)
	width := float64(pageWidth-2*margin-gap*(perRow-1)) / float64(perRow)
	size := min(width, 90)   // of the code
	letters := size / 16 * 2 // points
	height := size + 4*letters*0.45 + gap
	rows := max(1, int((pageHeight-2*margin+gap)/(height+gap)))
	for i := range labels {
		if i%(rows*perRow) == 0 {
			pdf.AddPage()
		}
		place := i % (rows * perRow)
		x := margin + float64(place%perRow)*(width+gap)
		y := margin + float64(place/perRow)*(height+gap)
		if err := labels[i].draw(pdf, x, y, size, letters); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("labels as PDF: %w", err)
	}
	return out.Bytes(), nil
}

func (l *Label) draw(pdf *fpdf.Fpdf, x, y, size, letters float64) error {
	code, err := l.matrix()
	if err != nil {
		return err
	}
	n := code.Bounds().Dx()
	module := size / float64(n+2*quiet)
	for j := range n {
		for i := range n {
			if dark(code, i, j) {
				pdf.Rect(x+float64(i+quiet)*module, y+float64(j+quiet)*module, module, module, "F")
			}
		}
	}
	pdf.SetFont("label", "", letters)
	for i, text := range l.lines() {
		pdf.Text(x+quiet*module, y+size+float64(i)*letters*0.45, text)
	}
	return nil
}
