package cifar

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLoose(t *testing.T) {
	ten, hundred := record([]byte{9}, 1, 2, 3), record([]byte{19, 99}, 1, 2, 3)
	fsys := fstest.MapFS{
		"b.bin.gz": {Data: zipped(t, ten)}, "a.bin": {Data: ten}, "test_some.bin": {Data: hundred}, "readme.html": {}, "c.bin/x": {},
		"bad.txt": {Data: []byte("some other file")},
	}
	train, test, err := Loose(fsys)
	if err != nil || !slices.Equal(train, []string{"a.bin", "b.bin.gz"}) || !slices.Equal(test, []string{"test_some.bin"}) {
		t.Errorf("%v, %v, %v", train, test, err)
	}
	if s, err := Which(fsys, "b.bin.gz"); s != CIFAR10 || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := Which(fsys, "test_some.bin"); s != CIFAR100 || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := Which(fsys, "bad.txt"); err == nil || !strings.Contains(err.Error(), "bad.txt is not usable: it ends 15 bytes into record 0") {
		t.Errorf("%v", err)
	}
	if d, err := CIFAR10.OpenFiles(fsys, train...); err != nil || d.Len() != 2 {
		t.Errorf("%v", err)
	}
	if _, err := CIFAR10.OpenFiles(fsys); err == nil {
		t.Error("no files made a data set")
	}
}
