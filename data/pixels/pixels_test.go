package pixels

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"inkling/data/internal/files"
	"inkling/data/parts"
	"inkling/data/table"
	"inkling/weights/npy"
)

func opener(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// line is 16 samples, all the same but the first.
func line(first, others any) string {
	return fmt.Sprint(first) + strings.Repeat(fmt.Sprint(",", others), 15)
}

func header(stem string, from, n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint(stem, from+i))
	}
	return strings.Join(names, ",")
}

func TestReadTable(t *testing.T) {
	px := header("pixel", 0, 16)
	rowsAndColumns := "1x1,1x2,1x3,1x4,2x1,2x2,2x3,2x4,3x1,3x2,3x3,3x4,4x1,4x2,4x3,4x4"
	for _, test := range []struct {
		name, text string
		first      []byte // the samples of the first picture
		labels     string
		notes      string
	}{
		{"Kaggle's", "label," + px + "\n3," + line(0, 255) + "\n7," + line(9, 0) + "\n", []byte{0, 255}, "3 7", ""},
		{"label last", px + ",label\n" + line(0, 255) + ",3\n" + line(9, 0) + ",7\n", []byte{0, 255}, "3 7", ""},
		{"class and rows x columns", "class," + rowsAndColumns + "\r\ncat," + line(5, 6) + "\r\ndog," + line(9, 0) + "\r\n", []byte{5, 6}, "cat dog", ""},
		{"an index", ",label," + px + "\n0,3," + line(0, 255) + "\n1,7," + line(9, 0) + "\n", []byte{0, 255}, "3 7", ""},
		{"semicolons", strings.ReplaceAll("label,"+px+"\n3,"+line(0, 255)+"\n7,"+line(9, 0)+"\n", ",", ";"), []byte{0, 255}, "3 7", ""},
		{"no header", "3," + line(0, 255) + "\n7," + line(0, 1) + "\n", []byte{0, 255}, "3 7", "first one is taken"},
		{"no header, label last", line(0, 255) + ",3\n" + line(0, 1) + ",7\n", []byte{0, 255}, "3 7", "last one is taken"},
		{"no header, label last, another corner", line(40, 255) + ",0\n" + line(7, 1) + ",1\n", []byte{40, 255}, "0 1", "last one is taken"},
		{"pandas' numbers as a header", header("", 0, 17) + "\n3," + line(0, 255) + "\n7," + line(0, 1) + "\n", []byte{0, 255}, "3 7", "first one is taken"},
		{"fractions", "label," + px + "\n3.0," + line(0, 1.0) + "\n7.0," + line(0.5, 0.25) + "\n", []byte{0, 255}, "3 7", "from 0 to 1"},
		{"from -1 to 1", "label," + px + "\n3," + line(-1, 1) + "\n7," + line(0, 0) + "\n", []byte{0, 255}, "3 7", "from -1 to 1"},
		{"bits", "label," + px + "\n3," + line(0, 1) + "\n7," + line(0, 0) + "\n", []byte{0, 255}, "3 7", "from 0 to 1"},
		{"a list in a field", "emotion,pixels,Usage\n3," + strings.ReplaceAll(line(0, 255), ",", " ") + ",Training\n7," + strings.ReplaceAll(line(0, 1), ",", " ") + ",PublicTest\n", []byte{0, 255}, "3 7", ""},
		{"a column of something else", "label,weight," + px + "\n3,1.5," + line(0, 255) + "\n7,2.5," + line(9, 0) + "\n", []byte{0, 255}, "3 7", `The columns "weight" are left alone`},
		{"a label of another name", "Zahl," + px + "\n3," + line(0, 255) + "\n7," + line(9, 0) + "\n", []byte{0, 255}, "3 7", `The column "Zahl" is taken`},
	} {
		s, err := ReadTable(opener(test.text), Options{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if s.Len() != 2 || s.Height != 4 || s.Width != 4 || s.Channels != 1 || !slices.Equal(s.Pixels[:2], test.first) || strings.Join(s.Names, " ") != test.labels || !slices.Equal(s.Labels, []int{0, 1}) {
			t.Errorf("%s: %d pictures of %dx%dx%d, %v, %v of %q", test.name, s.Len(), s.Channels, s.Height, s.Width, s.Pixels[:2], s.Labels, s.Names)
		}
		if notes := strings.Join(s.Notes, " "); !strings.Contains(notes, test.notes) || (test.notes == "") != (notes == "") {
			t.Errorf("%s: notes %q, want %q", test.name, notes, test.notes)
		}
		if strings.Contains(test.text, "Usage") && !slices.Equal(s.Parts, []parts.Part{parts.Train, parts.Test}) {
			t.Errorf("%s: parts %v", test.name, s.Parts)
		}
		r, err := table.NewReader(strings.NewReader(test.text))
		if err != nil || !IsTable(r.Head()) {
			t.Errorf("%s: not known to be a table of pictures, %v", test.name, err)
		}
	}
	if r, err := table.NewReader(strings.NewReader("label," + px + "\n")); err != nil || !IsTable(r.Head()) {
		t.Error("a header without lines is not known to be of a table of pictures")
	}
	if r, err := table.NewReader(strings.NewReader("filename," + px + "\na.png," + line(0, 1) + "\n")); err != nil || IsTable(r.Head()) {
		t.Error("a list of files is taken for a table of pictures")
	}
}

// Red, green and blue beside each other become planes.
func TestColours(t *testing.T) {
	var samples []string
	for i := range 48 {
		samples = append(samples, fmt.Sprint(i%3*100))
	}
	s, err := ReadTable(opener(header("pixel", 0, 48)+",label\n"+strings.Join(samples, ",")+",2\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Channels != 3 || s.Height != 4 || s.Pixels[0] != 0 || s.Pixels[16] != 100 || s.Pixels[47] != 200 || len(s.Notes) != 1 {
		t.Errorf("%dx%dx%d: %v, %q", s.Channels, s.Height, s.Width, s.Pixels, s.Notes)
	}
	if s, err = ReadTable(opener(header("pixel", 0, 48)+",label\n"+strings.Join(samples, ",")+",2\n"), Options{Channels: 1, Height: 2, Width: 3}); err != nil || s.Channels != 1 || s.Height != 2 || s.Width != 3 || len(s.Pixels) != 6 {
		t.Errorf("%v", err)
	}
}

func TestReadTableRefuses(t *testing.T) {
	px := header("pixel", 0, 16)
	for _, test := range []struct{ text, message string }{
		{"label," + px + "\n", "it has a header and no pictures"},
		{"label," + px + "\n3," + line(0, 256) + "\n", "its samples go from 0 to 256"},
		{"label," + px + "\n3," + line("NaN", 2) + "\n", "no finite numbers"},
		{"label," + px + "\n3," + line("x", 2) + "\n", `line 2, column 2: "x" is no number`},
		{"label," + px + "\n3," + line(0, 1) + ",5\n", "line 2 has 18 fields, and line 1 has 17"},
		{"label," + px + "\n," + line(0, 1) + "\n", "line 2 has no label"},
		{"label," + header("pixel", 0, 20) + "\n3" + strings.Repeat(",0", 20) + "\n", "every line has 20 numbers beside the label, which are no square"},
		{"emotion,pixels\n3," + strings.Repeat("1 ", 16) + "\n3," + strings.Repeat("1 ", 15) + "\n", "line 3 has 15 samples, and those before have 16"},
	} {
		if _, err := ReadTable(opener(test.text), Options{}); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%.40q: error %v, want %q", test.text, err, test.message)
		}
	}
	s, err := ReadTable(opener(px+"\n"+line(0, 9)+"\n"+line(0, 1)+"\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Dataset(nil); !errors.Is(err, ErrNoLabels) {
		t.Errorf("no labels: %v", err)
	}
	s, err = ReadTable(opener("label,"+px+"\ncat,"+line(0, 9)+"\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Dataset([]string{"dog", "cow"}); err == nil || !strings.Contains(err.Error(), `a label "cat", which is none of the 2 classes to train on (dog, cow)`) {
		t.Errorf("another class: %v", err)
	}
}

// What belongs together has the same range, whatever its own values are.
func TestLike(t *testing.T) {
	px := header("pixel", 0, 16)
	train, err := ReadTable(opener("label,"+px+"\n1,"+line(0, 200)+"\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	dark, err := ReadTable(opener("label,"+px+"\n1,"+line(0, 1)+"\n"), Options{Like: train})
	if err != nil || dark.Pixels[1] != 1 {
		t.Errorf("a dark picture is %v, %v", dark.Pixels, err)
	}
	fractions, err := ReadTable(opener("label,"+px+"\n1,"+line(0.5, 1)+"\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTable(opener("label,"+px+"\n1,"+line(0, 200)+"\n"), Options{Like: fractions}); err == nil || !strings.Contains(err.Error(), "another range") {
		t.Errorf("another range: %v", err)
	}
}

// array returns a .npy file.
func array(descr string, fortran bool, shape []int, content []byte) []byte {
	dims := ""
	for _, n := range shape {
		dims += fmt.Sprintf("%d, ", n)
	}
	order := "False"
	if fortran {
		order = "True"
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n", descr, order, dims)
	head := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), byte(len(text)>>8))
	return append(append(head, text...), content...)
}

type named struct {
	name    string
	content []byte
}

func archive(t testing.TB, members ...named) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m.name + ".npy")
		if err == nil {
			_, err = w.Write(m.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	return b.Bytes()
}

func readArchive(content []byte, o Options) (map[parts.Part]*Samples, []string, error) {
	arrays, err := npy.OpenArchive(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, nil, err
	}
	return ReadArrays(arrays, int64(len(content)), o)
}

func fill(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }

func float32s(values ...float32) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestReadArrays(t *testing.T) {
	pictures := func(n int, b byte) []byte { return array("|u1", false, []int{n, 4, 4}, fill(16*n, b)) }
	labels := func(values ...byte) []byte { return array("|u1", false, []int{len(values)}, values) }
	for _, test := range []struct {
		name    string
		members []named
		want    string
		notes   string
	}{
		{"Keras'", []named{{"x_test", pictures(1, 9)}, {"x_train", pictures(2, 8)}, {"y_train", labels(3, 7)}, {"y_test", labels(7)}},
			"train 2 of 1x4x4, first 8, [0 1] of [3 7]; test 1 of 1x4x4, first 9, [0] of [7]; ", ""},
		{"MedMNIST's", []named{{"train_images", pictures(2, 8)}, {"val_images", pictures(1, 7)}, {"test_images", pictures(1, 6)},
			{"train_labels", array("|u1", false, []int{2, 1}, []byte{0, 1})}, {"val_labels", labels(1)}, {"test_labels", labels(0)}},
			"train 2 of 1x4x4, first 8, [0 1] of [0 1]; val 1 of 1x4x4, first 7, [0] of [1]; test 1 of 1x4x4, first 6, [0] of [0]; ", ""},
		{"images and labels", []named{{"images", pictures(2, 8)}, {"labels", labels(1, 0)}}, "none 2 of 1x4x4, first 8, [1 0] of [0 1]; ", ""},
		{"labels that measure", []named{{"x", pictures(2, 8)}, {"y", array("<f4", false, []int{2}, float32s(-2.5, 10))}}, "none 2 of 1x4x4, first 8, [0 1] of [-2.5 10]; ", ""},
		{"X and y, flat", []named{{"X", array("|u1", false, []int{2, 16}, fill(32, 5))}, {"y", labels(1, 0)}}, "none 2 of 1x4x4, first 5, [1 0] of [0 1]; ", ""},
		{"unnamed", []named{{"arr_0", pictures(2, 8)}, {"arr_1", labels(1, 0)}}, "none 2 of 1x4x4, first 8, [1 0] of [0 1]; ", ""},
		{"four unnamed", []named{{"arr_0", pictures(2, 8)}, {"arr_1", labels(1, 0)}, {"arr_2", pictures(1, 7)}, {"arr_3", labels(0)}},
			"train 2 of 1x4x4, first 8, [1 0] of [0 1]; test 1 of 1x4x4, first 7, [0] of [0]; ", "arr_0 with arr_1 is taken to train on, arr_2 with arr_3 to test with"},
		{"texts", []named{{"images", pictures(2, 8)}, {"labels", array("<U3", false, []int{2}, []byte("d\x00\x00\x00o\x00\x00\x00g\x00\x00\x00c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))}},
			"none 2 of 1x4x4, first 8, [1 0] of [c dog]; ", ""},
		{"one at the class", []named{{"x", pictures(2, 8)}, {"y", array("<f4", false, []int{2, 3}, float32s(0, 0, 1, 1, 0, 0))}}, "none 2 of 1x4x4, first 8, [1 0] of [0 2]; ", ""},
		{"fractions", []named{{"x", array("<f4", false, []int{1, 2, 2}, float32s(1, 0, 0.5, 0.25))}, {"y", labels(4)}}, "none 1 of 1x2x2, first 255, [0] of [4]; ", "from 0 to 1"},
		{"channels behind", []named{{"x", array("|u1", false, []int{1, 2, 2, 3}, []byte{9, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3})}, {"y", labels(4)}}, "none 1 of 3x2x2, first 9, [0] of [4]; ", ""},
		{"channels before", []named{{"x", array("|u1", false, []int{1, 3, 2, 2}, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9})}, {"y", labels(4)}}, "none 1 of 3x2x2, first 1, [0] of [4]; ", ""},
		{"no labels", []named{{"x_train", pictures(2, 8)}, {"y_train", labels(3, 7)}, {"x_test", pictures(1, 9)}},
			"train 2 of 1x4x4, first 8, [0 1] of [3 7]; test 1 of 1x4x4, first 9, [] of []; ", ""},
	} {
		all, notes, err := readArchive(archive(t, test.members...), Options{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := ""
		for part := parts.None; part <= parts.Test; part++ {
			if s := all[part]; s != nil {
				got += fmt.Sprintf("%v %d of %dx%dx%d, first %d, %v of %v; ", part, s.Len(), s.Channels, s.Height, s.Width, s.Pixels[0], s.Labels, s.Names)
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if said := strings.Join(notes, " "); !strings.Contains(said, test.notes) || (said == "") != (test.notes == "") {
			t.Errorf("%s: notes %q, want %q", test.name, said, test.notes)
		}
	}
	// Channels that run fastest become planes.
	all, _, err := readArchive(archive(t, named{"x", array("|u1", false, []int{1, 1, 2, 3}, []byte{1, 2, 3, 4, 5, 6})}, named{"y", labels(4)}), Options{})
	if err != nil || !slices.Equal(all[parts.None].Pixels, []byte{1, 4, 2, 5, 3, 6}) {
		t.Errorf("channels behind: %v", err)
	}
	// The first dimension of Fortran's arrays runs fastest.
	all, _, err = readArchive(archive(t, named{"x", array("|u1", true, []int{2, 1, 2}, []byte{1, 3, 2, 4})}, named{"y", labels(4, 5)}), Options{})
	if err != nil || !slices.Equal(all[parts.None].Pixels, []byte{1, 2, 3, 4}) {
		t.Errorf("Fortran's order: %v", err)
	}
}

func TestReadArraysRefuses(t *testing.T) {
	pictures := array("|u1", false, []int{2, 4, 4}, fill(32, 1))
	labels := array("|u1", false, []int{2}, []byte{1, 0})
	for _, test := range []struct {
		members []named
		message string
	}{
		{[]named{{"w", labels}}, "no array in it holds pictures: want x_train, y_train, x_test and y_test, or images and labels, where pictures are count x height x width; its arrays are w [2]"},
		{[]named{{"x", pictures}, {"y", array("|u1", false, []int{3}, fill(3, 0))}}, "the arrays x [2 4 4] and y [3] do not belong together"},
		{[]named{{"x_train", pictures}, {"X_train", pictures}, {"y_train", labels}}, "may both be the pictures of the part train"},
		{[]named{{"a", pictures}, {"b", pictures}, {"c", pictures}}, "several arrays that may be pictures"},
		{[]named{{"x", pictures}, {"fine_labels", labels}, {"coarse_labels", labels}}, "fine_labels and coarse_labels may both be the labels of x"},
		{[]named{{"x", array("|u1", false, []int{2, 4, 4, 2}, fill(64, 1))}, {"y", labels}}, "the array x [2 4 4 2] is no pictures"},
		{[]named{{"x", array("<f4", false, []int{1, 2, 2}, float32s(1, 0, 0.5, 300))}, {"y", labels}}, "its samples go from 0 to 300"},
		{[]named{{"x", pictures}, {"y", array("<f4", false, []int{2}, float32s(1, float32(math.Inf(1))))}}, "label 1 is +Inf, want a finite number"},
		{[]named{{"x", pictures}, {"y", array("<f4", false, []int{2, 2}, float32s(1, 1, 0, 1))}}, "row 0 has 2 ones"},
		{[]named{{"x", array("|u1", false, []int{0, 4, 4}, nil)}, {"y", array("|u1", false, []int{0}, nil)}}, "it has no pictures"},
		{[]named{{"x", array("|O", false, []int{1}, nil)}}, "Python objects"},
		{[]named{{"x", array("|u1", false, []int{20_000, 40, 40}, fill(32_000_000, 1))}, {"y", labels}}, "more than a file of"},
	} {
		if _, _, err := readArchive(archive(t, test.members...), Options{}); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: error %v, want %q", test.members[0].name, err, test.message)
		}
	}
}

// What is read of a table is read twice at most, and the samples are no more than
// the numbers in it.
func FuzzReadTable(f *testing.F) {
	px := header("pixel", 0, 16)
	f.Add([]byte("label," + px + "\n3," + line(0, 255) + "\n7," + line(0.5, 0) + "\n"))
	f.Add([]byte("3," + line(0, 255) + "\n7," + line(0, 1) + "\n"))
	f.Add([]byte("emotion,pixels,Usage\n3," + strings.ReplaceAll(line(0, 255), ",", " ") + ",Training\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		read := int64(0)
		open := func() (io.ReadCloser, error) {
			return io.NopCloser(counting{bytes.NewReader(content), &read}), nil
		}
		s, err := ReadTable(open, Options{})
		if read > 2*int64(len(content)) {
			t.Errorf("%d bytes are read of %d", read, len(content))
		}
		most := len(content)
		if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) { // packed with gzip
			most = 200*most + 1<<20
		}
		if err == nil && (len(s.Pixels) > most || s.Len() < 1 || s.Labels != nil && len(s.Labels) != s.Len()) {
			t.Errorf("%d pictures, %d samples and %d labels of %d bytes", s.Len(), len(s.Pixels), len(s.Labels), len(content))
		}
	})
}

type counting struct {
	r io.Reader
	n *int64
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	*c.n += int64(n)
	return n, err
}

// The elements of arrays that come out of an archive are in proportion to it. The
// fuzzer makes the arrays, and the archive is packed around them, so that it need
// not find out sums.
func FuzzReadArrays(f *testing.F) {
	f.Add(array("|u1", false, []int{2, 4, 4}, fill(32, 1)), array("|u1", false, []int{2}, []byte{1, 0}))
	f.Add(array("<f4", true, []int{1, 2, 2, 3}, fill(48, 0)), array("<U1", false, []int{1}, fill(4, 0)))
	f.Add(array("|u1", false, []int{1, 16}, fill(16, 1)), array("|b1", false, []int{1, 2}, []byte{1, 0}))
	f.Fuzz(func(t *testing.T, x, y []byte) {
		opened := 0
		stream := func(name string, content []byte) (*npy.Stream, error) {
			return npy.NewStream(name, func() (io.ReadCloser, int64, error) {
				opened++
				return io.NopCloser(&files.Counter{R: bytes.NewReader(content)}), int64(len(content)), nil
			})
		}
		pictures, err1 := stream("x", x)
		labels, err2 := stream("y", y)
		if err1 != nil || err2 != nil {
			return
		}
		all, _, err := ReadArrays([]*npy.Stream{pictures, labels}, int64(len(x)+len(y)), Options{})
		if opened > 5 { // a look at both, the range, the pictures, the labels
			t.Errorf("arrays were opened %d times", opened)
		}
		if err != nil {
			return
		}
		for _, s := range all {
			if s.Len() < 1 || len(s.Pixels) > len(x)+len(y) || s.Labels != nil && len(s.Labels) != s.Len() {
				t.Errorf("%d pictures, %d samples, %d labels", s.Len(), len(s.Pixels), len(s.Labels))
			}
		}
	})
}
