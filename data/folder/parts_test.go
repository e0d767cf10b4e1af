package folder

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data"
)

// classFolders makes files of n red pictures for each class, in folders below path.
func classFolders(t testing.TB, fsys fstest.MapFS, path string, size, n int, classes ...string) {
	for _, class := range classes {
		for i := range n {
			fsys[fmt.Sprintf("%s%s/%02d.png", path, class, i)] = pngOf(t, plain(size, size, red))
		}
	}
}

func TestOpenParts(t *testing.T) {
	for _, test := range []struct {
		name        string
		files       func(fsys fstest.MapFS)
		train, test int
		notes       []string
	}{
		{"train and test", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 5, "cat", "dog")
			classFolders(t, fsys, "test/", 4, 2, "cat", "dog")
		}, 10, 4, nil},
		{"train and val", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 5, "cat", "dog")
			classFolders(t, fsys, "val/", 4, 2, "cat", "dog")
		}, 10, 4, []string{"are those of val"}},
		{"all three, a class without pictures to test with, another size", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 5, "cat", "dog")
			classFolders(t, fsys, "val/", 4, 3, "cat", "dog")
			classFolders(t, fsys, "test/", 6, 2, "dog")
		}, 10, 2, []string{"The pictures of val are left alone."}},
		{"train alone", func(fsys fstest.MapFS) { classFolders(t, fsys, "train/", 4, 5, "cat", "dog") },
			8, 2, []string{"a fifth of every class, 2 of 10 pictures and always the same, are held out"}},
		{"classes alone", func(fsys fstest.MapFS) { classFolders(t, fsys, "", 4, 10, "cat", "dog") },
			16, 4, []string{"a fifth of every class, 4 of 20 pictures"}},
		{"a class by the name of train", func(fsys fstest.MapFS) { classFolders(t, fsys, "", 4, 5, "bus", "train") },
			8, 2, []string{"held out"}},
		{"several sizes", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 6, 2, "cat")
			classFolders(t, fsys, "", 4, 5, "dog")
		}, 5, 2, []string{"they are resized to 4x4 (height, width), after the commonest", "held out"}},
		{"lists", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 3, "all")
			fsys["train.csv"] = &fstest.MapFile{Data: []byte("all/00.png,dog\nall/01.png,cat\n")}
			fsys["test.csv"] = &fstest.MapFile{Data: []byte("all/02.png,dog\n")}
		}, 2, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{"readme.txt": {Data: []byte("about")}, ".git/config": {Data: nil}, "__MACOSX/train/cat/._1.png": {Data: nil}}
			test.files(fsys)
			if !HoldsPictures(fsys) {
				t.Error("the folder is not known to hold pictures")
			}
			p, err := OpenParts(fsys, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if p.Train.Len() != test.train || p.Test.Len() != test.test {
				t.Errorf("%d and %d pictures, want %d and %d", p.Train.Len(), p.Test.Len(), test.train, test.test)
			}
			if hidden := slices.Index(p.Notes, "Left alone, as hidden or left behind by a system: .git, __MACOSX."); hidden < 0 {
				t.Errorf("notes %q do not tell what was left alone", p.Notes)
			} else {
				p.Notes = slices.Delete(p.Notes, hidden, hidden+1)
			}
			if len(p.Notes) != len(test.notes) {
				t.Errorf("notes %q, want %q", p.Notes, test.notes)
			}
			for i, note := range test.notes {
				if !strings.Contains(strings.Join(p.Notes, " "), note) {
					t.Errorf("note %d of %q, want %q", i, p.Notes, note)
				}
			}
			if !slices.Equal(p.Train.Classes(), p.Test.Classes()) || len(p.Train.Classes()) == 0 {
				t.Errorf("classes %v and %v", p.Train.Classes(), p.Test.Classes())
			}
			for _, d := range []data.Dataset{p.Train, p.Test} {
				if c, h, w := d.Shape(); c != 3 || h != 4 || w != 4 {
					t.Errorf("pictures of %dx%dx%d", c, h, w)
				}
				for i := range d.Len() {
					if _, _, err := d.Example(i); err != nil {
						t.Error(err)
					}
				}
			}
			again, err := OpenParts(fsys, Options{})
			if err != nil {
				t.Fatal(err)
			}
			a, _ := data.Labels(p.Test)
			b, _ := data.Labels(again.Test)
			if !slices.Equal(a, b) {
				t.Error("other pictures are held out the second time")
			}
		})
	}
}

func TestOpenPartsRefuses(t *testing.T) {
	for _, test := range []struct {
		files   func(fsys fstest.MapFS)
		message string
	}{
		{func(fsys fstest.MapFS) { classFolders(t, fsys, "test/", 4, 2, "cat") }, "there are pictures to test with in test, but none to train on"},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 2, "cat", "dog")
			classFolders(t, fsys, "test/", 4, 2, "cow")
		}, `test: there is a class "cow", which is not among the 2 classes to train on (cat, dog)`},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "all/", 4, 2, "x")
			fsys["train.csv"] = &fstest.MapFile{Data: []byte("all/x/00.png,dog\n")}
			fsys["val.csv"] = &fstest.MapFile{Data: []byte("all/x/01.png,cow\n")}
		}, `val.csv: there is a class "cow", which is not among the 1 class to train on (dog)`},
		{func(fsys fstest.MapFS) { classFolders(t, fsys, "", 4, 1, "cat", "dog") }, "nothing can be held out to test with"},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 1, "cat")
			fsys["test/cat/readme.txt"] = &fstest.MapFile{}
		}, "test: the folders in it have no pictures"},
		{func(fsys fstest.MapFS) {}, "there are no folders in it"},
	} {
		fsys := fstest.MapFS{}
		test.files(fsys)
		if _, err := OpenParts(fsys, Options{}); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
	}
	if HoldsPictures(fstest.MapFS{"a.mp3": {Data: nil}, ".hidden/a.png": {Data: nil}}) {
		t.Error("a folder without folders and tables holds pictures")
	}
}

func TestShapeIsFoundOut(t *testing.T) {
	gray := func(width, height int) *fstest.MapFile {
		return pngOf(t, image.NewGray(image.Rect(0, 0, width, height)))
	}
	for _, test := range []struct {
		fsys    fstest.MapFS
		o       Options
		c, h, w int
	}{
		{fstest.MapFS{"a/1.png": gray(5, 4), "a/2.png": gray(5, 4)}, Options{}, 1, 4, 5},
		{fstest.MapFS{"a/1.png": gray(5, 4), "a/2.png": pngOf(t, plain(5, 4, red))}, Options{}, 3, 4, 5},
		{fstest.MapFS{"a/1.png": gray(5, 4), "a/2.png": gray(2, 4), "a/3.png": gray(2, 4)}, Options{Channels: 3}, 3, 4, 2},
		{fstest.MapFS{"a/1.png": gray(1024, 512)}, Options{}, 1, 128, 256},
		{fstest.MapFS{"a/1.png": gray(1024, 2)}, Options{}, 1, 1, 256},
		{fstest.MapFS{"a/1.png": gray(1024, 512)}, Options{Height: 7, Width: 9}, 1, 7, 9},
	} {
		d, err := Open(test.fsys, test.o)
		if err != nil {
			t.Fatal(err)
		}
		if c, h, w := d.Shape(); c != test.c || h != test.h || w != test.w {
			t.Errorf("%v: shape %dx%dx%d, want %dx%dx%d", test.o, c, h, w, test.c, test.h, test.w)
		}
	}
}
