package folder

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
)

// Files of other programs, in formats that Go does not write.
func TestFormatsOfPillow(t *testing.T) {
	files, err := fs.Glob(os.DirFS("testdata"), "*.*")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, name := range files {
		if !IsPicture(name) {
			continue
		}
		content, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fsys["class/"+name] = &fstest.MapFile{Data: content}
	}
	d, err := Open(fsys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c, h, w := d.Shape(); d.Len() != 8 || c != 3 || h != 6 || w != 8 {
		t.Fatalf("%d pictures of %dx%dx%d", d.Len(), c, h, w)
	}
	for i := range d.Len() {
		pixels, _, err := d.Example(i)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, sample := range []struct{ channel, column, want int }{{0, 1, 255}, {2, 1, 0}, {0, 6, 0}, {1, 6, 0}, {2, 6, 255}} {
			got := int(pixels[sample.channel*48+3*8+sample.column])
			if got < sample.want-30 || got > sample.want+30 { // some are lossy
				t.Errorf("%s: channel %d, column %d is %d, want %d", d.Path(i), sample.channel, sample.column, got, sample.want)
			}
		}
	}
}

// However a list is written, it is read once, and no more files are looked for than
// is bounded.
func FuzzOpenList(f *testing.F) {
	f.Add("path,label\na.png,1\nb.png,2\n")
	f.Add("\ufeffa.png,\"x\"\"y\"\n../b.png,2\n")
	f.Add("\"a.png,1\n")
	f.Add("image_id;split;label\na/b/c;train;1\na/b/d;test;2\n")
	f.Add("id,one,two\n/x/y/z,0,1\n")
	f.Fuzz(func(t *testing.T, list string) {
		fsys := &countedFS{FS: fstest.MapFS{"list.csv": {Data: []byte(list)}, "c.png": {Data: nil}, "sub/d.png": {Data: nil}}}
		d, err := OpenList(fsys, "list.csv", Options{Channels: 1, Height: 2, Width: 2})
		if fsys.opened > 5100 {
			t.Errorf("files are looked for %d times", fsys.opened)
		}
		if err != nil {
			return
		}
		if d.Len() > len(list) {
			t.Errorf("%d pictures come out of %d bytes", d.Len(), len(list))
		}
		for i := range d.Len() {
			if !fs.ValidPath(d.Path(i)) || d.Label(i) < 0 || d.Label(i) >= len(d.Classes()) {
				t.Errorf("picture %d is %q with the label %d of %q", i, d.Path(i), d.Label(i), d.Classes())
			}
		}
	})
}

type countedFS struct {
	fs.FS
	opened int
}

func (c *countedFS) Open(name string) (fs.File, error) {
	c.opened++
	return c.FS.Open(name)
}
