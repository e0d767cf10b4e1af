package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder is opened as what lies in it.
func TestOpenFolder(t *testing.T) {
	small := func(path string) []byte {
		content, err := os.ReadFile(filepath.Join("..", "..", "data", filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	// Ten records of CIFAR-10, all of a class.
	records := bytes.Repeat(append([]byte{7}, make([]byte, 3072)...), 10)
	digits, ten, hundred := small("usps/testdata/usps.bz2"), small("cifar/testdata/ten_python2.pickle"), small("cifar/testdata/hundred_python2.pickle")
	for _, test := range []struct {
		files       map[string][]byte
		title       string // after the folder
		train, test int
		channels    int
		reason      string
	}{
		{map[string][]byte{"usps.bz2": digits, "usps.t.bz2": digits}, ", USPS", 5, 5, 1, ""},
		{map[string][]byte{
			"train_32x32.mat": small("svhn/testdata/compressed.mat"), "test_32x32.mat": small("svhn/testdata/plain.mat"),
		}, ", SVHN", 12, 2, 3, ""},
		{map[string][]byte{
			"cifar-10-batches-py/data_batch_1": ten, "cifar-10-batches-py/data_batch_2": ten, "cifar-10-batches-py/data_batch_3": ten,
			"cifar-10-batches-py/data_batch_4": ten, "cifar-10-batches-py/data_batch_5": ten, "cifar-10-batches-py/test_batch": ten,
		}, ", CIFAR-10", 20, 4, 3, ""},
		{map[string][]byte{"train": hundred, "test": hundred, "meta": hundred}, ", CIFAR-100", 2, 2, 3, ""},
		{map[string][]byte{"some.bin": records}, ", records of CIFAR-10", 8, 2, 3, "a fifth of every class, 2 of 10 pictures"},
		{map[string][]byte{"some.bin": records, "more.bin": records, "test.bin": records}, ", records of CIFAR-10", 20, 10, 3, ""},
		{map[string][]byte{
			"train.csv": []byte("a/1.png,x\n"), "val.csv": []byte("a/1.png,x\n"), "a/1.png": small("folder/testdata/palette.png"),
		}, "", 1, 1, 3, "The pictures to test with are those of val.csv."},
	} {
		dir := t.TempDir()
		for name, content := range test.files {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		set, err := findPictures(dir)
		if err != nil {
			t.Errorf("%s: %v", test.title, err)
			continue
		}
		if set.title != "folder "+dir+test.title || set.dataset != "folder" || !strings.Contains(set.reason, test.reason) || (set.reason == "") != (test.reason == "") {
			t.Errorf("title %q, reason %q, want %q and %q", set.title, set.reason, test.title, test.reason)
		}
		for train, want := range map[bool]int{true: test.train, false: test.test} {
			d, err := set.open(train)
			if err != nil {
				t.Errorf("%s: %v", test.title, err)
				continue
			}
			if c, _, _ := d.Shape(); d.Len() != want || c != test.channels {
				t.Errorf("%s, train %v: %d pictures of %d channels, want %d of %d", test.title, train, d.Len(), c, want, test.channels)
			}
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "weights.bin"), []byte("no records"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := findPictures(dir); err == nil || !strings.Contains(err.Error(), "weights.bin is not usable: it ends 10 bytes into record 0") {
		t.Errorf("a file that is no record: %v", err)
	}
}
