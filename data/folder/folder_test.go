package folder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"inkling/data"
	"inkling/picture"
)

var _ data.Dataset = (*Dataset)(nil)

// plain returns a picture of one colour.
func plain(width, height int, c color.Color) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, c)
		}
	}
	return img
}

func encode(t testing.TB, write func(w io.Writer) error) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func pngOf(t testing.TB, img image.Image) *fstest.MapFile {
	return encode(t, func(w io.Writer) error { return png.Encode(w, img) })
}

var red, blue = color.NRGBA{R: 255, A: 255}, color.NRGBA{B: 255, A: 255}

func TestOpen(t *testing.T) {
	fsys := fstest.MapFS{
		"dog/a.jpg":      encode(t, func(w io.Writer) error { return jpeg.Encode(w, plain(8, 8, blue), nil) }),
		"cat/b.PNG":      pngOf(t, plain(8, 8, red)),
		"cat/sub/c.gif":  encode(t, func(w io.Writer) error { return gif.Encode(w, plain(4, 16, red), nil) }),
		"cat/d.bmp":      encode(t, func(w io.Writer) error { return bmp.Encode(w, plain(4, 4, red)) }),
		"cat/e.tiff":     encode(t, func(w io.Writer) error { return tiff.Encode(w, plain(3, 3, red), nil) }),
		"cat/f.jpg":      pngOf(t, plain(2, 2, red)), // the content counts
		"cat/g.png":      pngOf(t, plain(2, 2, color.NRGBA{})),
		"cat/h.png":      pngOf(t, image.NewGray(image.Rect(0, 0, 5, 5))),
		"cat/Thumbs.db":  {Data: []byte("not a picture")},
		"readme.txt":     {Data: []byte("nor this")},
		".hidden/x.png":  {Data: []byte("nor this")},
		"cat/empty/.txt": {Data: nil},
	}
	d, err := Open(fsys, Options{Height: 4, Width: 6})
	if err != nil {
		t.Fatal(err)
	}
	if c, h, w := d.Shape(); d.Len() != 8 || c != 3 || h != 4 || w != 6 || !slices.Equal(d.Classes(), []string{"cat", "dog"}) {
		t.Fatalf("%d pictures of %dx%dx%d, classes %v", d.Len(), c, h, w, d.Classes())
	}
	want := map[string][3]byte{"dog/a.jpg": {0, 0, 255}, "cat/g.png": {255, 255, 255}, "cat/h.png": {0, 0, 0}}
	for i := range d.Len() {
		pixels, label, err := d.Example(i)
		if err != nil || len(pixels) != 72 || d.Classes()[label] != d.Path(i)[:3] {
			t.Errorf("%s: %d samples, label %d, %v", d.Path(i), len(pixels), label, err)
			continue
		}
		colour, ok := want[d.Path(i)]
		if !ok {
			colour = [3]byte{255, 0, 0}
		}
		for channel, v := range colour {
			if got := pixels[24*channel+13]; max(got, v)-min(got, v) > 2 { // JPEG is lossy
				t.Errorf("%s: channel %d is %d, want %d", d.Path(i), channel, got, v)
			}
		}
	}
	gray, err := Open(fsys, Options{Height: 1, Width: 1, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	if pixels, _, err := gray.Example(0); err != nil || !slices.Equal(pixels, []byte{76}) { // 0.299 x 255
		t.Errorf("red is %v, %v in gray", pixels, err)
	}
	for _, i := range []int{-1, 8} {
		if _, _, err := d.Example(i); err == nil {
			t.Errorf("Example(%d) did not fail", i)
		}
	}
}

// bombOf returns a PNG that announces a size.
func bombOf(t testing.TB, width, height uint32) *fstest.MapFile {
	f := pngOf(t, plain(1, 1, red))
	binary.BigEndian.PutUint32(f.Data[16:], width)
	binary.BigEndian.PutUint32(f.Data[20:], height)
	return f
}

func TestBadPictures(t *testing.T) {
	good := pngOf(t, plain(2, 2, red))
	page := &fstest.MapFile{Data: []byte("<html>")}
	cut := &fstest.MapFile{Data: good.Data[:len(good.Data)-20]}
	large := pngOf(t, plain(30, 30, red))
	for _, test := range []struct {
		bad     *fstest.MapFile
		message string
	}{
		{page, "c/b.png is no picture of a known format"},
		{cut, "c/b.png begins as a picture in png format, but is damaged"},
		{&fstest.MapFile{}, "c/b.png is empty"},
		{large, "has 30x30 pixels, want at least 1 and at most 500"},
		{&fstest.MapFile{Data: good.Data[:20]}, "c/b.png begins as a picture in png format, but is damaged"},
	} {
		fsys := fstest.MapFS{"c/a.png": good, "c/b.png": test.bad, "c/c.png": good, "d/d.png": pngOf(t, plain(2, 2, blue))}
		d, err := Open(fsys, Options{Channels: 3, Height: 2, Width: 2, Decoder: small(500)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Example(1); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
		loader := &data.Loader{Dataset: d, BatchSize: 4}
		for range loader.Batches() {
			t.Error("a batch with a bad picture came")
		}
		if err := loader.Err(); err == nil || !strings.Contains(err.Error(), "c/b.png") {
			t.Errorf("the loader says %v", err)
		}
		d, err = Open(fsys, Options{Channels: 3, Height: 2, Width: 2, Decoder: small(500), SkipBad: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if pixels, label, err := d.Example(1); err != nil || label != 0 || pixels[0] != 255 {
				t.Errorf("in place of the bad picture: %v, %d, %v", pixels, label, err)
			}
		}
		if bad := d.Bad(); len(bad) != 1 || !strings.Contains(bad[0].Error(), test.message) {
			t.Errorf("bad: %v", bad)
		}
	}
	if _, err := Open(fstest.MapFS{"c/a.png": bombOf(t, 1<<31-1, 1<<31-1)}, Options{}); err == nil {
		t.Error("a huge picture was taken")
	}
	d, err := Open(fstest.MapFS{"c/a.png": page, "c/b.png": page}, Options{Channels: 3, Height: 2, Width: 2, SkipBad: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Example(0); err == nil || len(d.Bad()) != 2 {
		t.Errorf("nothing but bad pictures: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := pngOf(t, plain(2, 2, red))
	for _, test := range []struct {
		fsys    fstest.MapFS
		o       Options
		message string
	}{
		{fstest.MapFS{"a.txt": good}, Options{}, "there are no folders in it"},
		{fstest.MapFS{"a.png": good}, Options{}, "it has 1 picture, but no folders: want one for every class"},
		{fstest.MapFS{"c/a.txt": good}, Options{}, "the folders in it have no pictures (.png"},
		{fstest.MapFS{"c/a.heic": good, "d/a.png": good}, Options{}, `the folder of class "c" has only pictures in formats that are not read (.heic): convert them`},
		{fstest.MapFS{"train/a.png": good, "test/b.png": good}, Options{}, "test and train hold pictures, but no folder for every class"},
		{fstest.MapFS{"cat/train/a.png": good, "cat/test/a.png": good, "dog/train/b.png": good}, Options{}, "the folder cat holds the folder test, which is called like a part of a data set"},
		{fstest.MapFS{"one/3/a.png": good, "one/7/a.png": good, "two/3/b.png": good, "two/7/b.png": good}, Options{}, "the folders one and two hold folders of the same names (3 and 7), as the parts of a data set do"},
		{fstest.MapFS{"c/a.png": good}, Options{Channels: 2}, "pictures of 2 channels are wanted: give 1 or 3"},
		{fstest.MapFS{"c/a.png": good}, Options{Height: 2}, "pictures of height 2 and width 0 are wanted"},
		{fstest.MapFS{"c/a.png": good}, Options{Height: 1 << 20, Width: 1}, "pictures of height 1048576"},
		{fstest.MapFS{"c/a.png": {Data: []byte("x")}}, Options{}, "c/a.png is no picture"},
		{fstest.MapFS{"c/a.png": {Data: []byte("x")}}, Options{SkipBad: true}, "none of the pictures can be used"},
	} {
		if _, err := Open(test.fsys, test.o); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
	}
}

func TestOpenList(t *testing.T) {
	fsys := fstest.MapFS{
		"a.png": pngOf(t, plain(2, 2, red)), "sub/b.png": pngOf(t, plain(2, 2, blue)),
		"list.csv":    {Data: []byte("path,label\na.png,10\nsub/b.png,9\n\"a.png\",9\n")},
		"names.csv":   {Data: []byte("\ufeffa.png, red\nsub/b.png, blue\n")},
		"outside.csv": {Data: []byte("a.png,1\n../../etc/passwd,2\n")},
		"absolute":    {Data: []byte("/etc/passwd,2\n")},
		"three.csv":   {Data: []byte("a.png,1,2\n")},
		"none.csv":    {Data: []byte("path,label\n")},
		"empty.csv":   {Data: []byte("a.png,\n")},
		"missing.csv": {Data: []byte("z.png,1\n")},
	}
	d, err := OpenList(fsys, "list.csv", Options{})
	if err != nil || d.Len() != 3 || !slices.Equal(d.Classes(), []string{"9", "10"}) {
		t.Fatalf("%v", err)
	}
	if _, label, err := d.Example(0); label != 1 || err != nil {
		t.Errorf("label %d, %v", label, err)
	}
	if d, err = OpenList(fsys, "names.csv", Options{}); err != nil || !slices.Equal(d.Classes(), []string{"blue", "red"}) || d.Path(0) != "a.png" {
		t.Errorf("%v", err)
	}
	for name, message := range map[string]string{
		"outside.csv": `outside.csv, line 2: "../../etc/passwd" is no path below`,
		"absolute":    "is no path below", "three.csv": "is no list of paths and labels", "none.csv": "none.csv lists no pictures",
		"empty.csv": "line 1: a.png has no label", "missing.csv": "z.png cannot be opened", "no.csv": "cannot be opened",
	} {
		if _, err := OpenList(fsys, name, Options{}); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: error %v, want %q", name, err, message)
		}
	}
	if _, err := OpenList(fsys, "no.csv", Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func FuzzExample(f *testing.F) {
	f.Add(pngOf(f, plain(2, 2, red)).Data)
	f.Add(bombOf(f, 20_000, 20_000).Data)
	f.Add(encode(f, func(w io.Writer) error { return gif.Encode(w, plain(2, 2, red), nil) }).Data)
	f.Add(encode(f, func(w io.Writer) error { return bmp.Encode(w, plain(2, 2, red)) }).Data)
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := Open(fstest.MapFS{"c/a.png": {Data: content}}, Options{Channels: 3, Height: 3, Width: 3, Decoder: small(10_000)})
		if err != nil {
			t.Fatal(err)
		}
		if pixels, _, err := d.Example(0); err == nil && len(pixels) != 27 {
			t.Errorf("%d samples", len(pixels))
		}
	})
}

// small decodes pictures of so many pixels.
func small(pixels int) *picture.Decoder {
	limits := picture.Own
	limits.Pixels = pixels
	return picture.NewDecoder(limits)
}
