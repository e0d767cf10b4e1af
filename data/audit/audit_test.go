package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data"
	"inkling/data/folder"
)

// drawing returns a picture that differs for every n.
func drawing(n int) image.Image {
	img := image.NewGray(image.Rect(0, 0, 4, 4))
	for i := range 12 {
		if n>>i&1 != 0 {
			img.SetGray(i%4, i/4, color.Gray{255})
		}
	}
	return img
}

func pngOf(t testing.TB, n int) *fstest.MapFile {
	var b bytes.Buffer
	if err := png.Encode(&b, drawing(n)); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

// gifOf is the same picture in another format.
func gifOf(t testing.TB, n int) *fstest.MapFile {
	var b bytes.Buffer
	if err := gif.Encode(&b, drawing(n), nil); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

// pictures adds n pictures from the number first on.
func pictures(t testing.TB, fsys fstest.MapFS, dir string, first, n int) {
	for i := range n {
		fsys[fmt.Sprintf("%s/%02d.png", dir, i)] = pngOf(t, first+i)
	}
}

func good(t testing.TB) fstest.MapFS {
	fsys := fstest.MapFS{}
	pictures(t, fsys, "train/cat", 1, 8)
	pictures(t, fsys, "train/dog", 101, 8)
	pictures(t, fsys, "test/cat", 201, 3)
	pictures(t, fsys, "test/dog", 301, 3)
	return fsys
}

func check(t testing.TB, fsys fs.FS, o Options, fo folder.Options) *Report {
	t.Helper()
	p, err := folder.OpenParts(fsys, fo)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), p.Train, p.Test, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(fsys fstest.MapFS)
		want   []string // severity, kind and what the sentence has, for each finding
		quick  int      // how many of them a quick look finds, those of files alone
	}{
		{"good", func(fstest.MapFS) {}, nil, 0},
		{"one class", func(fsys fstest.MapFS) {
			for name := range fsys {
				if strings.Contains(name, "dog") {
					delete(fsys, name)
				}
			}
		}, []string{`refused one-class There is one class to train on, "cat"`}, 1},
		{"few", func(fsys fstest.MapFS) {
			for i := 2; i < 8; i++ {
				delete(fsys, fmt.Sprintf("train/dog/%02d.png", i))
			}
		}, []string{"warning few-pictures There are fewer than 5 pictures to train on for dog (2)"}, 1},
		{"unequal", func(fsys fstest.MapFS) { pictures(t, fsys, "train/dog", 1000, 80) },
			[]string{"warning imbalance The classes are unequal: dog has 80 pictures to train on and cat has 8"}, 1},
		{"nothing to test with", func(fsys fstest.MapFS) {
			for i := range 3 {
				delete(fsys, fmt.Sprintf("test/dog/%02d.png", i))
			}
		}, []string{"warning class-not-tested There is nothing to test with for the class dog"}, 1},
		{"a copy in the pictures to test with", func(fsys fstest.MapFS) { fsys["test/cat/copy.png"] = fsys["train/cat/03.png"] },
			[]string{"warning test-in-train 1 of the 7 pictures to test with is among those to train on (train/cat/03.png and test/cat/copy.png)"}, 1},
		{"a copy in another format", func(fsys fstest.MapFS) { fsys["test/cat/copy.gif"] = gifOf(t, 4) },
			[]string{"warning test-in-train 1 of the 7 pictures to test with is among those to train on (train/cat/03.png and test/cat/copy.gif)"}, 0},
		{"two labels", func(fsys fstest.MapFS) { fsys["train/dog/copy.png"] = fsys["train/cat/03.png"] },
			[]string{"warning two-labels The same picture has two labels in 1 case (train/cat/03.png (cat) and train/dog/copy.png (dog))", "note twice 1 picture is there more than once"}, 2},
		{"twice", func(fsys fstest.MapFS) { fsys["train/cat/copy.png"] = fsys["train/cat/03.png"] },
			[]string{"note twice 1 picture is there more than once (train/cat/03.png and train/cat/copy.png)"}, 1},
		{"blank", func(fsys fstest.MapFS) { fsys["train/cat/blank.png"] = pngOf(t, 0) },
			[]string{"warning blank 1 picture is of one colour (train/cat/blank.png)"}, 0},
		{"unreadable", func(fsys fstest.MapFS) { fsys["train/cat/bad.png"] = &fstest.MapFile{Data: []byte("none")} },
			[]string{"warning unreadable 1 picture cannot be read, the first because cat/bad.png is no picture"}, 0},
	} {
		fsys := good(t)
		test.change(fsys)
		for _, quick := range []bool{false, true} {
			want := test.want
			if quick {
				want = want[:test.quick]
			}
			r := check(t, fsys, Options{Pixels: !quick}, folder.Options{Channels: 1, Height: 4, Width: 4, SkipBad: true})
			if len(r.Findings) != len(want) {
				t.Errorf("%s, quick %v: %+v, want %q", test.name, quick, r.Findings, want)
				continue
			}
			for i, f := range r.Findings {
				if got := fmt.Sprintf("%s %s %s", f.Severity, f.Kind, f.Text); !strings.HasPrefix(got, want[i]) {
					t.Errorf("%s, quick %v: %q, want %q", test.name, quick, got, want[i])
				}
			}
			if refused := len(want) > 0 && strings.HasPrefix(want[0], "refused"); r.Refused() != refused || (r.Err() != nil) != refused {
				t.Errorf("%s: refused %v", test.name, r.Refused())
			}
		}
	}
}

// Pictures in memory are compared by their samples even in a quick look, and those
// that are held out, too.
func TestCheckMemory(t *testing.T) {
	pixels := make([]byte, 40*4)
	labels := make([]byte, 40)
	for i := range labels {
		labels[i] = byte(i % 2)
		pixels[4*i], pixels[4*i+1] = byte(i), 1
	}
	copy(pixels[4*38:], pixels[:4]) // the same label
	d, err := data.NewMemory(pixels, labels, []string{"a", "b"}, 1, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	train, err := data.NewSubset(d, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	if err != nil {
		t.Fatal(err)
	}
	test, err := data.NewSubset(d, []int{37, 38, 39})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), train, test, Options{})
	if err != nil || len(r.Findings) != 1 || !strings.HasPrefix(r.Findings[0].Text, "1 of the 3 pictures to test with is among those to train on (picture 0 to train on and picture 1 to test with)") || r.Compared != 15 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = Check(t.Context(), train, nil, Options{}); err != nil || len(r.Findings) != 0 || r.Test != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// A quick look reads no more bytes than it may, and none of files of which no other
// has the size.
func TestQuickLookIsBounded(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 10 {
		f := pngOf(t, i+1)
		f.Data = append(f.Data, make([]byte, i)...) // another size each
		fsys[fmt.Sprintf("train/%c/%d.png", 'a'+i%2, i)] = f
		fsys[fmt.Sprintf("test/%c/%d.png", 'a'+i%2, i)] = &fstest.MapFile{Data: append(bytes.Clone(f.Data), make([]byte, 100)...)}
	}
	counted := &countingFS{FS: fsys}
	p, err := folder.OpenParts(counted, folder.Options{Channels: 1, Height: 4, Width: 4})
	if err != nil {
		t.Fatal(err)
	}
	counted.read = 0
	if _, err := Check(t.Context(), p.Train, p.Test, Options{}); err != nil || counted.read != 0 {
		t.Errorf("%d bytes are read, %v", counted.read, err)
	}
	twin := good(t)
	twin["test/cat/copy.png"] = twin["train/cat/03.png"]
	if r := check(t, twin, Options{MostBytes: 1}, folder.Options{}); len(r.Findings) != 0 || r.Compared != 0 {
		t.Errorf("%+v with one byte", r)
	}
	cause := errors.New("called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := Check(ctx, p.Train, p.Test, Options{Pixels: true}); err != cause {
		t.Errorf("called off: %v", err)
	}
}

type countingFS struct {
	fs.FS
	read int // bytes
}

func (c *countingFS) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if _, isFolder := f.(fs.ReadDirFile); isFolder || err != nil {
		return f, err
	}
	return countingFile{f, c}, nil
}

type countingFile struct {
	fs.File
	c *countingFS
}

func (f countingFile) Read(b []byte) (int, error) {
	n, err := f.File.Read(b)
	f.c.read += n
	return n, err
}
