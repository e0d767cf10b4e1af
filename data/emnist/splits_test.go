package emnist

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data/idx"
)

// labelled returns the files of a split to test with, one picture a label.
func labelled(t *testing.T, splitName string, labels ...byte) fstest.MapFS {
	t.Helper()
	var images, labelFile bytes.Buffer
	err := errors.Join(
		idx.WriteImages(&images, &idx.Images{Count: len(labels), Height: 1, Width: 1, Pixels: make([]byte, len(labels))}),
		idx.WriteLabels(&labelFile, labels))
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"emnist-" + splitName + "-test-images-idx3-ubyte": {Data: images.Bytes()},
		"emnist-" + splitName + "-test-labels-idx1-ubyte": {Data: labelFile.Bytes()},
	}
}

func TestClassesOfTheSplits(t *testing.T) {
	for _, test := range []struct {
		split      string
		classes    int
		label      byte // in the file
		class      string
		tooLarge   byte
		complaint  string
		beforeZero bool // whether label 0 is wrong
	}{
		{"mnist", 10, 7, "7", 10, "label 0 is 10, want 0 to 9", false},
		{"digits", 10, 9, "9", 10, "label 0 is 10, want 0 to 9", false},
		{"letters", 26, 1, "A", 27, "label 0 is 27, want 1 to 26", true},
		{"letters", 26, 26, "Z", 27, "label 0 is 27, want 1 to 26", true},
		{"balanced", 47, 46, "t", 47, "label 0 is 47, want 0 to 46", false},
		{"balanced", 47, 38, "d", 47, "label 0 is 47, want 0 to 46", false},
		{"bymerge", 47, 35, "Z", 47, "label 0 is 47, want 0 to 46", false},
		{"bymerge", 47, 43, "n", 47, "label 0 is 47, want 0 to 46", false},
		{"byclass", 62, 10, "A", 62, "label 0 is 62, want 0 to 61", false},
		{"byclass", 62, 38, "c", 62, "label 0 is 62, want 0 to 61", false},
		{"byclass", 62, 61, "z", 62, "label 0 is 62, want 0 to 61", false},
	} {
		d, err := Open(labelled(t, test.split, test.label), test.split, false, Raw)
		if err != nil {
			t.Errorf("%s: %v", test.split, err)
			continue
		}
		_, label, err := d.Example(0)
		if err != nil || len(d.Classes()) != test.classes || d.Classes()[label] != test.class {
			t.Errorf("%s: label %d of the file is class %d of %q, want %q of %d classes", test.split, test.label, label, d.Classes(), test.class, test.classes)
		}
		if _, err := Open(labelled(t, test.split, test.tooLarge), test.split, false, Raw); err == nil || !strings.Contains(err.Error(), test.complaint) {
			t.Errorf("%s: error %v, want %q", test.split, err, test.complaint)
		}
		if _, err := Open(labelled(t, test.split, 0), test.split, false, Raw); (err != nil) != test.beforeZero {
			t.Errorf("%s: label 0: %v", test.split, err)
		}
	}
}

// The mapping files have a line for every label: the label and the ASCII codes
// of the characters that it stands for.
func TestPublishedMappings(t *testing.T) {
	for _, s := range splits {
		file, err := os.Open("testdata/emnist-" + s.name + "-mapping.txt")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		n := 0
		for lines := bufio.NewScanner(file); lines.Scan(); n++ {
			fields := strings.Fields(lines.Text())
			label, err1 := strconv.Atoi(fields[0])
			code, err2 := strconv.Atoi(fields[1])
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			if class := s.classes[label-int(s.first)]; class != string(rune(code)) {
				t.Errorf("%s: label %d is %q, published is %q", s.name, label, class, rune(code))
			}
		}
		if n != len(s.classes) {
			t.Errorf("%s has %d classes, published are %d", s.name, len(s.classes), n)
		}
	}
}

// write makes the files of a split to test with out of pictures of another,
// those that label wants.
func write(t *testing.T, splitName string, from *Dataset, label func(class byte) (label byte, wanted bool)) fstest.MapFS {
	t.Helper()
	images := &idx.Images{Height: 28, Width: 28}
	var labels []byte
	for i := range from.Len() {
		pixels, class, err := from.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		if label, wanted := label(from.Classes()[class][0]); wanted {
			images.Count++
			images.Pixels = append(images.Pixels, pixels...)
			labels = append(labels, label)
		}
	}
	var imageFile, labelFile bytes.Buffer
	if err := errors.Join(idx.WriteImages(&imageFile, images), idx.WriteLabels(&labelFile, labels)); err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"emnist-" + splitName + "-test-images-idx3-ubyte": {Data: imageFile.Bytes()},
		"emnist-" + splitName + "-test-labels-idx1-ubyte": {Data: labelFile.Bytes()},
	}
}

// Where characters have their ink tells both that they lie upright and that they
// have the right names: those of the split byclass as they were published, and
// its letters as the split letters has them, both cases under the number of the
// letter in the alphabet.
func TestPublishedLetters(t *testing.T) {
	published, err := Open(os.DirFS("testdata"), "byclass", false, Raw)
	if err != nil {
		t.Fatal(err)
	}
	if published.Len() != 62*20 {
		t.Fatalf("%d pictures, want 20 of 62 classes", published.Len())
	}
	byClass := write(t, "byclass", published, func(class byte) (byte, bool) {
		return byte(slices.Index(published.Classes(), string(class))), true
	})
	expectInk(t, byClass, "byclass", 62, []halves{
		{class: "L", left: true, bottom: true},
		{class: "T", top: true},
		{class: "F", top: true, left: true},
		{class: "P", top: true},
		{class: "b", bottom: true},
		{class: "h", left: true},
		{class: "d", right: true, bottom: true},
		{class: "q", top: true},
		{class: "4", right: true},
		{class: "7", top: true},
	})
	letters := write(t, "letters", published, func(class byte) (byte, bool) {
		return class&^0x20 - 'A' + 1, class >= 'A'
	})
	expectInk(t, letters, "letters", 26, []halves{
		{class: "F", top: true, left: true},
		{class: "J", right: true},
		{class: "L", left: true, bottom: true},
		{class: "P", top: true},
		{class: "T", top: true},
		{class: "Y", top: true},
	})
}

// halves says which half of the pictures of a class has more ink than the
// opposite one.
type halves struct {
	class                    string
	top, left, bottom, right bool
}

func expectInk(t *testing.T, fsys fstest.MapFS, splitName string, classes int, all []halves) {
	t.Helper()
	d, err := Open(fsys, splitName, false, Upright)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Classes()) != classes {
		t.Errorf("%s has %d classes, want %d", splitName, len(d.Classes()), classes)
	}
	counts := make([]int, len(d.Classes()))
	ink := make([][28 * 28]int, len(counts)) // the sum of the pictures of a class
	for i := range d.Len() {
		pixels, label, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		counts[label]++
		for k, v := range pixels {
			ink[label][k] += int(v)
		}
	}
	if slices.Contains(counts, 0) {
		t.Errorf("a class has no picture: %v", counts)
	}
	// inside sums the ink of a class in some rows and columns.
	inside := func(class string, rowFrom, rowTo, columnFrom, columnTo int) int {
		label, sum := slices.Index(d.Classes(), class), 0
		for y := rowFrom; y < rowTo; y++ {
			for x := columnFrom; x < columnTo; x++ {
				sum += ink[label][y*28+x]
			}
		}
		return 1000 * sum / counts[label]
	}
	for _, h := range all {
		top, bottom := inside(h.class, 0, 14, 0, 28), inside(h.class, 14, 28, 0, 28)
		left, right := inside(h.class, 0, 28, 0, 14), inside(h.class, 0, 28, 14, 28)
		if h.top && top <= bottom || h.bottom && bottom <= top || h.left && left <= right || h.right && right <= left {
			t.Errorf("%s: %s has ink %d above, %d below, %d left, %d right", d.Split(), h.class, top, bottom, left, right)
		}
	}
}
