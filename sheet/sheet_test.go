package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

func saved(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type readRow struct {
	Line  int
	Cells []string
	Fault string
}

func readAll(path string) (rows []readRow, err error) {
	r, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		cells, line, err := r.Next()
		var f *Fault
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case errors.As(err, &f) && f.Row:
			rows = append(rows, readRow{Line: line, Fault: f.Code})
		case err != nil:
			return rows, err
		default:
			rows = append(rows, readRow{Line: line, Cells: append([]string{}, cells...)})
		}
	}
}

func TestCSVInAllDialects(t *testing.T) {
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("a\tb\r\nHà Nội\t1,5\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want []readRow
	}{
		"comma":           {"a,b\n1,2\n", []readRow{{1, []string{"a", "b"}, ""}, {2, []string{"1", "2"}, ""}}},
		"semicolon, BOM":  {"\ufeffa;b\r\nHồ Gươm;105,85\r\n", []readRow{{1, []string{"a", "b"}, ""}, {2, []string{"Hồ Gươm", "105,85"}, ""}}},
		"tab":             {"a\tb\nx, y\t2\n", []readRow{{1, []string{"a", "b"}, ""}, {2, []string{"x, y", "2"}, ""}}},
		"told separator":  {"sep=;\r\na;b\r\n1;2\r\n", []readRow{{2, []string{"a", "b"}, ""}, {3, []string{"1", "2"}, ""}}},
		"UTF-16":          {wide, []readRow{{1, []string{"a", "b"}, ""}, {2, []string{"Hà Nội", "1,5"}, ""}}},
		"quoted newline":  {"a,b\n\"x\ny\",2\n3,4\n", []readRow{{1, []string{"a", "b"}, ""}, {2, []string{"x\ny", "2"}, ""}, {4, []string{"3", "4"}, ""}}},
		"quotes in quote": {"\"a;b\",c\n\"say \"\"no\"\"\",2", []readRow{{1, []string{"a;b", "c"}, ""}, {2, []string{`say "no"`, "2"}, ""}}},
		"bad quote":       {"a,b\nx\"y,2\n3,4\n", []readRow{{1, []string{"a", "b"}, ""}, {2, nil, "quotes"}, {3, []string{"3", "4"}, ""}}},
		"other encoding":  {"a,b\nH\xe0,2\n3,4\n", []readRow{{1, []string{"a", "b"}, ""}, {2, nil, "encoding"}, {3, []string{"3", "4"}, ""}}},
		"empty lines":     {"a,b\n\n,\n1,2\n", []readRow{{1, []string{"a", "b"}, ""}, {4, []string{"1", "2"}, ""}}},
		"guarded":         {"a,b\n'=1,''-2\n'x,-3\n", []readRow{{1, []string{"a", "b"}, ""}, {2, []string{"=1", "'-2"}, ""}, {3, []string{"'x", "-3"}, ""}}},
	} {
		got, err := readAll(saved(t, "x.csv", []byte(c.text)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func zipped(t testing.TB, files map[string]io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.Copy(f, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zeros is an endless file that packs well.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// farRight is a spreadsheet of rows that are blank, with a space in the last
// column.
func farRight(t testing.TB, rows int) []byte {
	var text strings.Builder
	text.WriteString(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	for i := range rows {
		fmt.Fprintf(&text, `<row r="%d"><c r="XFD%d" t="str"><v> </v></c></row>`, i+1, i+1)
	}
	text.WriteString(`</sheetData></worksheet>`)
	const relations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
	return zipped(t, map[string]io.Reader{
		"[Content_Types].xml": strings.NewReader(`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`),
		"_rels/.rels": strings.NewReader(relations + `officeDocument" Target="xl/workbook.xml"/></Relationships>`),
		"xl/workbook.xml": strings.NewReader(`<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ` +
			`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r"/></sheets></workbook>`),
		"xl/_rels/workbook.xml.rels": strings.NewReader(relations + `worksheet" Target="worksheets/sheet1.xml"/></Relationships>`),
		"xl/worksheets/sheet1.xml":   strings.NewReader(text.String()),
	})
}

func TestFilesThatAreRefused(t *testing.T) {
	bomb := zipped(t, map[string]io.Reader{"xl/worksheets/sheet1.xml": io.LimitReader(zeros{}, 70<<20)})
	small := zipped(t, map[string]io.Reader{"xl/sharedStrings.xml": io.LimitReader(zeros{}, 20<<20)})
	if got, err := readAll(saved(t, "x", farRight(t, 300))); err != nil || len(got) != 0 {
		t.Errorf("blank rows: %v %v", got, err)
	}
	for name, c := range map[string]struct {
		content []byte
		code    string
	}{
		"empty":            {nil, "empty-file"},
		"old spreadsheet":  {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "old-spreadsheet"},
		"bomb":             {bomb, "too-large-unzipped"},
		"small bomb":       {small, "too-large-unzipped"},
		"cells far right":  {farRight(t, 500), "too-large-unzipped"},
		"a zip of nothing": {zipped(t, nil), "broken-spreadsheet"},
		"a torn zip":       {bomb[:len(bomb)/2], "broken-spreadsheet"},
		"a picture":        {[]byte("\x89PNG\r\n\x1a\n\x00\x00"), "file-type"},
		"too many rows":    {[]byte(strings.Repeat("a\n", MaxRows+2)), "too-many-rows"},
	} {
		_, err := readAll(saved(t, "x", c.content))
		var f *Fault
		if !errors.As(err, &f) || f.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// What is written is read again as it was, whatever stands in the cells, and
// no cell of CSV begins as a formula does.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	cell := rapid.OneOf(
		rapid.StringOf(rapid.RuneFrom([]rune("ăâđêôơưẠỵ=+-@'\" ,;\t\nax1_"))),
		rapid.SampledFrom([]string{"", "=1+1", "'=x", "''@", "-3", "Phường Cửa Nam", "_x0041_", "a\nb", "<&>", "0012"}))
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 3, 3), 1, 5).Draw(t, "rows")
		for i := range rows {
			rows[i] = append([]string{"row"}, rows[i]...) // none is empty
		}
		for _, kind := range []string{"csv", "xlsx"} {
			var out bytes.Buffer
			if err := write(kind, &out, rows); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "round."+kind)
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readAll(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range append([][]string{{"h", "a", "b", "c"}}, rows...) {
				have := append(got[i].Cells, make([]string, 4-len(got[i].Cells))...)
				if diff := cmp.Diff(want, have); diff != "" {
					t.Fatalf("%s, row %d (-want +got):\n%s", kind, i, diff)
				}
			}
		}
	})
}

func write(kind string, to io.Writer, rows [][]string) error {
	header := []string{"h", "a", "b", "c"}
	w, err := NewXLSX(to, "devices", header)
	if kind == "csv" {
		if w, err = NewCSV(to); err == nil {
			err = w.Write(header)
		}
	}
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			return err
		}
	}
	return w.Close()
}

func TestNumbersAreNotGuarded(t *testing.T) {
	var out bytes.Buffer
	w, err := NewCSV(&out, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]string{{"-1", "-105.85"}, {"x", "-=1"}} {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || out.String() != "\ufeff'-1,-105.85\nx,'-=1\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
