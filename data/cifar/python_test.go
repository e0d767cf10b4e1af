package cifar

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func pickle(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name + ".pickle")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// expectPictures compares the pictures from a place on with those that make.py
// wrote.
func expectPictures(t *testing.T, d *Dataset, from int, labels ...int) {
	t.Helper()
	for i, want := range labels {
		pixels, label, err := d.Example(from + i)
		if err != nil || label != want {
			t.Errorf("picture %d has label %d, want %d; %v", i, label, want, err)
		}
		for k, v := range pixels {
			if want := byte((31*i + 7*k) % 251); v != want {
				t.Fatalf("sample %d of picture %d is %d, want %d", k, i, v, want)
			}
		}
	}
}

func TestPythonVersion(t *testing.T) {
	fsys := fstest.MapFS{"cifar-10-batches-py/test_batch": {Data: pickle(t, "ten_python2")}}
	for i, name := range CIFAR10.layouts[1].train {
		fsys["cifar-10-batches-py/"+name] = &fstest.MapFile{Data: pickle(t, []string{"ten_2", "ten_3", "ten_4", "ten_python2", "ten_2"}[i])}
	}
	if !CIFAR10.Holds(fsys) || CIFAR100.Holds(fsys) {
		t.Error("the folder holds something else")
	}
	train, err := CIFAR10.Open(fsys, true)
	if err != nil || train.Len() != 20 {
		t.Fatalf("%v", err)
	}
	for from := 0; from < 20; from += 4 {
		expectPictures(t, train, from, 3, 9, 0, 5)
	}
	test, err := CIFAR10.Open(fsys, false)
	if err != nil || test.Len() != 4 {
		t.Fatalf("%v", err)
	}
	expectPictures(t, test, 0, 3, 9, 0, 5)
	delete(fsys, "cifar-10-batches-py/data_batch_4")
	if _, err := CIFAR10.Open(fsys, true); err == nil || !strings.Contains(err.Error(), "there is no file data_batch_4 or cifar-10-batches-py/data_batch_4") {
		t.Errorf("a file is missing: %v", err)
	}
}

func TestPythonArchive(t *testing.T) {
	fsys := fstest.MapFS{"cifar-100-python.tar.gz": {Data: pack(t, []string{"cifar-100-python/meta", "cifar-100-python/test", "cifar-100-python/train"},
		pickle(t, "ten_2"), pickle(t, "hundred_python2"), pickle(t, "hundred_python2"))}}
	if !CIFAR100.Holds(fsys) {
		t.Error("the archive is not found")
	}
	for _, train := range []bool{true, false} {
		d, err := CIFAR100.Open(fsys, train)
		if err != nil || d.Len() != 2 || d.Coarse(0) != 19 || d.Coarse(1) != 0 {
			t.Fatalf("%v", err)
		}
		expectPictures(t, d, 0, 99, 4)
	}
}

func TestPickleRefuses(t *testing.T) {
	ten := pickle(t, "ten_python2")
	changed := func(old, to string) []byte {
		if bytes.Count(ten, []byte(old)) != 1 {
			t.Fatalf("%q is not once in the pickle", old)
		}
		return bytes.Replace(ten, []byte(old), []byte(to), 1)
	}
	for _, test := range []struct {
		set     *Set
		content []byte
		message string
	}{
		{CIFAR10, nil, "it is empty"},
		{CIFAR10, zipped(t, nil), "it is empty"},
		{CIFAR10, zipped(t, make([]byte, 1<<20)), "data cannot be packed so tightly"},
		{CIFAR10, ten[:len(ten)-100], "wants 12288 more bytes"},
		{CIFAR10, ten[:len(ten)-2], "the pickle ends without STOP"},
		{CIFAR10, append(slices.Clone(ten), 0), "1 byte follows the end of the pickle"},
		{CIFAR10, record([]byte{3}, 1, 2, 3), "it is no pickle of CIFAR-10"},
		{CIFAR100, ten, "its dict has not both of an array data and a list fine_labels"},
		{CIFAR10, pickle(t, "hundred_python2"), "a list labels of numbers"},
		{CIFAR10, pickle(t, "floats"), "an array is of the dtype f4, and only bytes (u1) are read"},
		{CIFAR10, pickle(t, "columns"), "an array is stored by columns"},
		{CIFAR10, pickle(t, "objects"), "numpy"},
		{CIFAR10, changed("K\x03K\x09K\x00K\x05e", "K\x03K\x09K\x00K\x0ae"), "picture 3 has the label 10, want 0 to 9"},
		{CIFAR10, changed("K\x03K\x09K\x00K\x05e", "K\x03K\x09K\x00e"), "it has 4 pictures, but 3 labels"},
		{CIFAR10, changed("M\x04\x00M\x00\x0c", "M\x00\x0cM\x04\x00"), "its array data is [3072 4], want rows of 3072"},
		{CIFAR10, changed("M\x04\x00M\x00\x0c", "M\x05\x00M\x00\x0c"), "dimension 0 of an array of 12288 bytes is 5"},
		{CIFAR10, changed("M\x04\x00M\x00\x0c", "M\x02\x00M\x00\x0c"), "an array of shape [2 3072] has 12288 bytes"},
		{CIFAR10, changed("cnumpy.core.multiarray\n_reconstruct\n", "cos\nsystem\n"), "the pickle names the Python object os.system; only NumPy arrays"},
		{CIFAR10, changed("cnumpy\nndarray\n", "ctorch\nTensor\n"), "the pickle names the Python object torch.Tensor"},
	} {
		all := &records{set: test.set}
		if err := all.readGzip(bytes.NewReader(test.content), true); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
	}
}

func FuzzReadPickle(f *testing.F) {
	for _, name := range []string{"ten_python2", "ten_2", "ten_4", "hundred_python2", "floats", "columns", "objects"} {
		f.Add(pickle(f, name), strings.HasPrefix(name, "hundred"))
	}
	f.Fuzz(func(t *testing.T, content []byte, hundred bool) {
		all := &records{set: CIFAR10}
		if hundred {
			all.set = CIFAR100
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := all.readPickle(bytes.NewReader(content))
		runtime.ReadMemStats(&after)
		if taken := int64(after.TotalAlloc - before.TotalAlloc); taken > 20*int64(len(content))+2<<20 {
			t.Errorf("%d bytes of memory for %d of input", taken, len(content))
		}
		if err == nil && (len(all.labels) == 0 || len(all.pixels) != len(all.labels)*pictureSize) {
			t.Errorf("%d labels, %d samples", len(all.labels), len(all.pixels))
		}
	})
}
