package cifar

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data/internal/files"
)

// record returns a record whose picture has the given red, green and blue.
func record(labels []byte, red, green, blue byte) []byte {
	b := slices.Clone(labels)
	for _, v := range []byte{red, green, blue} {
		b = append(b, bytes.Repeat([]byte{v}, side*side)...)
	}
	return b
}

func zipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestClasses(t *testing.T) {
	if len(CIFAR10.Classes) != 10 || len(fineClasses) != 100 || len(coarseClasses) != 20 {
		t.Errorf("%d, %d and %d classes", len(CIFAR10.Classes), len(fineClasses), len(coarseClasses))
	}
	for _, names := range [][]string{CIFAR10.Classes, fineClasses, coarseClasses} {
		if !slices.IsSorted(names) {
			t.Errorf("the classes are not in the order of the alphabet: %v", names)
		}
	}
}

func TestOpen(t *testing.T) {
	fsys := fstest.MapFS{"cifar-10-batches-bin/test_batch.bin": {Data: record([]byte{9}, 1, 2, 3)}}
	for i, name := range CIFAR10.layouts[0].train {
		fsys[name+".gz"] = &fstest.MapFile{Data: zipped(t, append(record([]byte{byte(i)}, byte(i), 0, 0), record([]byte{5}, 7, 8, 9)...))}
	}
	if !CIFAR10.Holds(fsys) || CIFAR100.Holds(fsys) {
		t.Error("the folder holds something else")
	}
	d, err := CIFAR10.Open(fsys, true)
	if err != nil {
		t.Fatal(err)
	}
	if c, h, w := d.Shape(); d.Len() != 10 || c != 3 || h != 32 || w != 32 {
		t.Errorf("%d pictures of %dx%dx%d", d.Len(), c, h, w)
	}
	pixels, label, err := d.Example(8)
	if err != nil || label != 4 || pixels[0] != 4 || pixels[1023] != 4 || pixels[1024] != 0 || d.Coarse(8) != 0 {
		t.Errorf("label %d, %v", label, err)
	}
	if d, err = CIFAR10.Open(fsys, false); err != nil || d.Len() != 1 {
		t.Error(err)
	}
	delete(fsys, "data_batch_3.bin.gz")
	if _, err := CIFAR10.Open(fsys, true); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "data_batch_3.bin") {
		t.Errorf("a file is missing: %v", err)
	}
}

// pack makes an archive of files, and of a link of the same name as the last.
func pack(t testing.TB, names []string, contents ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := tar.NewWriter(&b)
	write := func(h *tar.Header, content []byte) {
		if err := z.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	write(&tar.Header{Name: names[len(names)-1], Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, nil)
	write(&tar.Header{Name: "../test.bin", Size: 1}, []byte{0})
	for i, name := range names {
		write(&tar.Header{Name: name, Size: int64(len(contents[i]))}, contents[i])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped(t, b.Bytes())
}

func TestOpenArchive(t *testing.T) {
	archive := pack(t, []string{"cifar-100-binary/test.bin", "cifar-100-binary/train.bin"},
		record([]byte{19, 99}, 1, 2, 3), append(record([]byte{4, 0}, 5, 6, 7), record([]byte{1, 2}, 0, 0, 0)...))
	fsys := fstest.MapFS{"cifar-100-binary.tar.gz": {Data: archive}}
	if !CIFAR100.Holds(fsys) {
		t.Error("the archive is not found")
	}
	train, err := CIFAR100.Open(fsys, true)
	if err != nil || train.Len() != 2 || train.Coarse(0) != 4 {
		t.Fatalf("%v", err)
	}
	test, err := CIFAR100.Open(fsys, false)
	if err != nil || test.Len() != 1 || test.Coarse(0) != 19 {
		t.Fatalf("%v", err)
	}
	if pixels, label, _ := test.Example(0); label != 99 || pixels[3071] != 3 || test.Classes()[label] != "worm" {
		t.Errorf("label %d", label)
	}
	// A member that nobody asks for can be a bomb, too.
	bomb := pack(t, []string{"cifar-100-binary/readme.txt", "cifar-100-binary/test.bin"}, make([]byte, 1<<20), record([]byte{19, 99}, 1, 2, 3))
	fsys["cifar-100-binary.tar.gz"].Data = bomb
	if _, err := CIFAR100.Open(fsys, false); err == nil || !strings.Contains(err.Error(), "data cannot be packed so tightly") {
		t.Errorf("a bomb: %v", err)
	}
	fsys["cifar-100-binary.tar.gz"].Data = archive[:len(archive)-30]
	if _, err := CIFAR100.Open(fsys, true); err == nil || !strings.Contains(err.Error(), "cifar-100-binary.tar.gz is not usable") {
		t.Errorf("a cut archive: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	one := record([]byte{3}, 1, 2, 3)
	spoiled := zipped(t, one)
	spoiled[len(spoiled)-5]++
	for _, test := range []struct {
		set     *Set
		content []byte
		message string
	}{
		{CIFAR10, nil, "it is empty"},
		{CIFAR10, zipped(t, nil), "it has no record"},
		{CIFAR10, append(slices.Clone(one), one[:100]...), "it ends 100 bytes into record 1 at offset 3073"},
		{CIFAR10, append(slices.Clone(one), record([]byte{10}, 1, 2, 3)...), "record 1 at offset 3073 has the label 10, want 0 to 9"},
		{CIFAR100, record([]byte{20, 5}, 1, 2, 3), "has the coarse label 20, want 0 to 19"},
		{CIFAR100, record([]byte{2, 100}, 1, 2, 3), "has the label 100, want 0 to 99"},
		{CIFAR100, one, "it ends 3073 bytes into record 0"},
		{CIFAR10, spoiled, "it is damaged"},
		{CIFAR10, zipped(t, make([]byte, 1000*3073)), "data cannot be packed so tightly"},
		{CIFAR10, []byte("\x1f\x8bjunk"), "it begins as gzip, but is damaged"},
	} {
		if _, err := test.set.Read(bytes.NewReader(test.content)); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(record([]byte{3}, 1, 2, 3), false)
	f.Add(zipped(f, record([]byte{3, 4}, 1, 2, 3)), true)
	f.Fuzz(func(t *testing.T, content []byte, hundred bool) {
		set := CIFAR10
		if hundred {
			set = CIFAR100
		}
		counted := &files.Counter{R: bytes.NewReader(content)}
		d, err := set.Read(counted)
		if err == nil && d.Len() < 1 {
			t.Error("an empty data set")
		}
		if most := 3*len(content) + 256<<10; counted.N > int64(len(content)) || err == nil && d.Len()*pictureSize > most {
			t.Errorf("%d bytes are read, and %d pictures come out of %d bytes", counted.N, d.Len(), len(content))
		}
	})
}

func TestPublishedRecords(t *testing.T) {
	f, err := os.Open("../../../shared/data/cifar10/data_4000.bin.gz")
	if err != nil {
		t.Skipf("CIFAR-10 has no licence that lets us keep some of it here, and it is not beside the repository: %v", err)
	}
	defer f.Close()
	d, err := CIFAR10.Read(io.Reader(f))
	if err != nil || d.Len() != 4000 {
		t.Fatalf("%v", err)
	}
	// The first ten labels of data_batch_1.
	var labels []int
	counts := make([]int, 10)
	for i := range d.Len() {
		_, label, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		labels = append(labels, label)
		counts[label]++
	}
	if want := []int{6, 9, 9, 4, 1, 1, 2, 7, 8, 3}; !slices.Equal(labels[:10], want) {
		t.Errorf("labels %v, want %v", labels[:10], want)
	}
	if slices.Min(counts) < 300 {
		t.Errorf("counts %v", counts)
	}
}
