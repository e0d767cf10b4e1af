package table

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"inkling/data/internal/files"
)

func utf16LE(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

// TestReadOtherNumbers has notes above a table, and decimal commas, which are for numbers
// alone: a list of paths keeps its texts.
func TestReadOtherNumbers(t *testing.T) {
	numbers := strings.Repeat("0,5;", 8) + "7"
	for text, want := range map[string]string{
		"# made by hand\n## twice\npath,label\na.png,1\n": `3["path" "label"] 4["a.png" "1"]`,
		"# path,label\na.png,1\n":                         `1["# path" "label"] 2["a.png" "1"]`,
		numbers + "\n1,25;" + numbers[4:] + "\n":          `1["0.5" "0.5" "0.5" "0.5" "0.5" "0.5" "0.5" "0.5" "7"] 2["1.25" "0.5" "0.5" "0.5" "0.5" "0.5" "0.5" "0.5" "7"]`,
		"a.png;1,5\nb.png;2,5\n":                          `1["a.png" "1,5"] 2["b.png" "2,5"]`,
	} {
		if got, err := readAll(text); err != nil || got != want {
			t.Errorf("%.30q: %s, %v, want %s", text, got, err, want)
		}
	}
	if _, err := readAll(gzipped(strings.Repeat("0,0,0,0,0,0,0,0\n", 120_000))); err == nil || !strings.Contains(err.Error(), "more than 200 times its size") {
		t.Errorf("a table that swells: %v", err)
	}
	packed := gzipped(strings.Repeat("a.png,1\nb.png,2\nc.png,71\nd.png,18\n", 20_000))
	if _, err := readAll(packed[:len(packed)/2]); err == nil || strings.Contains(err.Error(), "EOF") {
		t.Errorf("a table that is cut off: %v", err)
	}
}

func readAll(text string) (string, error) {
	t, err := NewReader(strings.NewReader(text))
	if err != nil {
		return "", err
	}
	var all []string
	for {
		l, err := t.Read()
		if err == io.EOF {
			return strings.Join(all, " "), nil
		}
		if err != nil {
			return "", err
		}
		all = append(all, fmt.Sprintf("%d%q", l.Number, l.Fields))
	}
}

func TestRead(t *testing.T) {
	const want = `1["path" "label"] 2["a b.png" "1"] 3["c.png" "2"]`
	for name, text := range map[string]string{
		"commas":          "path,label\na b.png,1\nc.png,2\n",
		"semicolons":      "path;label\na b.png;1\nc.png;2\n",
		"tabs":            "path\tlabel\na b.png\t1\nc.png\t2\n",
		"bars":            "path|label\na b.png|1\nc.png|2",
		"CRLF":            "path,label\r\na b.png,1\r\nc.png,2\r\n",
		"byte order mark": "\ufeffpath,label\na b.png,1\nc.png,2\n",
		"UTF-16":          utf16LE("path\tlabel\r\na b.png\t1\r\nc.png\t2\r\n"),
		"quotes":          "\"path\",\"label\"\n\"a b.png\",1\n\"c.png\",\"2\"\n",
		"spaces after":    "path, label\na b.png, 1\nc.png, 2\n",
		"gzip":            gzipped("path,label\na b.png,1\nc.png,2\n"),
	} {
		if got, err := readAll(text); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"a.png 1\nb.png 2\n":                 `1["a.png" "1"] 2["b.png" "2"]`,
		"\tpath\tlabel\n0\ta.png\t1\n":       `1["" "path" "label"] 2["0" "a.png" "1"]`,
		"sep=;\nx;1\ny;2\n":                  `2["x" "1"] 3["y" "2"]`,
		"x;\"1,2\"\ny;\"3,4\"\n":             `1["x" "1,2"] 2["y" "3,4"]`,
		"\"a\nb\",1\n\n\"c\"\"d\",2\n":       `1["a\nb" "1"] 4["c\"d" "2"]`,
		"label,pixels\n1,0 1 2\n2,0 1 2 3\n": `1["label" "pixels"] 2["1" "0 1 2"] 3["2" "0 1 2 3"]`,
		"alone\n":                            `1["alone"]`,
	} {
		if got, err := readAll(text); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte{0x1f, 0x8b, 8, 0})
	z.Close()
	for _, test := range []struct{ text, message string }{
		{"", "it is empty"},
		{"\n\n", "it has no lines"},
		{packed.String(), "it is no table of text, but a gzip archive: unpack it first"},
		{"<html>", "but a web page"},
		{"\x80\x04\x95", "but a Python pickle"},
		{"a\x00b,c\n", "bytes of value 0"},
		{"a,b\rc,d\r", "old Macintoshes"},
		{"a,b\nc,d,e\n", "line 2 has 3 fields, and line 1 has 2"},
		{"a,b\n\"c\"d,e\n", "line 2 cannot be read: a quote"},
		{"a,b\nc\"d,e\n", "line 2 cannot be read: a quote"},
		{"a,\"" + strings.Repeat("x", MaxLine+1<<20), "a line has more than 4 MB"},
		{"a,b\nc,\"d\n", "line 2 cannot be read: a quote"},
	} {
		if _, err := readAll(test.text); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%.20q: error %v, want %q", test.text, err, test.message)
		}
	}
}

func TestFindColumns(t *testing.T) {
	for header, want := range map[string]Columns{
		"path,label":             {0, 1, -1},
		"label,path":             {1, 0, -1},
		"filename,class":         {0, 1, -1},
		"Image,Class":            {0, 1, -1},
		"FILE_NAME,Target,Split": {0, 1, 2},
		",image_id,label":        {1, 2, -1},
		"id,breed":               {0, 1, -1},
		"class id,filepaths,labels,data set,scientific name": {1, 2, 3},
		"Width,Height,ClassId,Path":                          {3, 2, -1},
		"Usage,emotion,pixels":                               {-1, 1, 0},
		"filename,name":                                      {0, 1, -1},
		"a,b":                                                {-1, -1, -1},
		"path,label,label_name":                              {0, 1, -1},
	} {
		fields := strings.Split(header, ",")
		if got := FindColumns(fields); got != want {
			t.Errorf("%s: %+v, want %+v", header, got, want)
		}
	}
	if !IsIndex("", []string{"0", "1", "2"}) || !IsIndex("Unnamed: 0", []string{"7", "8"}) || IsIndex("", []string{"3", "3"}) || IsIndex("label", []string{"0", "1"}) {
		t.Error("a column of numbers is taken for an index, or an index for none")
	}
}

func TestSortNames(t *testing.T) {
	for in, want := range map[string]string{"10 9 2": "2 9 10", "b a 1": "1 a b", "10 9 x": "10 9 x", "": ""} {
		names := strings.Fields(in)
		SortNames(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

// However a table is written, what is read of it is in proportion to it: the
// sample is looked at once more for each separator, and the rest is read once.
func FuzzReader(f *testing.F) {
	f.Add([]byte("path,label\na.png,1\nb.png,2\n"))
	f.Add([]byte("\ufeffa.png;\"x\"\"y\"\n../b.png;2\n"))
	f.Add([]byte(utf16LE("a\tb\r\n")))
	f.Add([]byte("sep=;\na;b\n"))
	f.Add([]byte("\"a,1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		counted := &files.Counter{R: bytes.NewReader(content)}
		r, err := NewReader(counted)
		fields, lines := 0, 0
		if err == nil {
			for {
				l, err := r.Read()
				if err != nil {
					break
				}
				lines++
				for _, field := range l.Fields {
					fields += len(field)
				}
			}
		}
		// UTF-16 becomes up to half as much again in UTF-8.
		if counted.N > int64(len(content)) || fields+lines > 2*len(content)+2 {
			t.Errorf("%d bytes are read, and %d come out, of %d", counted.N, fields+lines, len(content))
		}
	})
}
