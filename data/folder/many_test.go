package folder

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"inkling/data"
)

// manyFiles is a folder of classes with so many pictures each, all the same,
// which exist only while they are looked at.
type manyFiles struct {
	classes, each int
	content       []byte
}

type entry struct {
	name string
	dir  bool
	size int
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return e.dir }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) Size() int64                { return int64(e.size) }
func (e entry) ModTime() time.Time         { return time.Time{} }
func (e entry) Sys() any                   { return nil }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// file is an open file or folder.
type file struct {
	entry
	io.Reader
	next, count int
	name        func(i int) entry
}

func (f *file) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *file) Close() error               { return nil }
func (f *file) ReadDir(n int) (entries []fs.DirEntry, err error) {
	for ; f.next < f.count && (n <= 0 || len(entries) < n); f.next++ {
		entries = append(entries, f.name(f.next))
	}
	if len(entries) == 0 && n > 0 {
		return nil, io.EOF
	}
	return entries, nil
}

func (m manyFiles) Open(name string) (fs.File, error) {
	switch {
	case name == ".":
		class := func(i int) entry { return entry{name: fmt.Sprintf("class%02d", i), dir: true} }
		return &file{entry: entry{name: ".", dir: true}, count: m.classes, name: class}, nil
	case !strings.Contains(name, "/"):
		// In no order, as real folders have them.
		picture := func(i int) entry { return entry{name: fmt.Sprintf("picture%07d.png", (i*7919+13)%m.each)} }
		return &file{entry: entry{name: name, dir: true}, count: m.each, name: picture}, nil
	}
	return &file{entry: entry{name: path.Base(name), size: len(m.content)}, Reader: bytes.NewReader(m.content)}, nil
}

// heap is what is in memory and in use, but not what has been given up meanwhile.
func heap() int64 {
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int64(live[0].Value.Uint64())
}

// A folder takes the room of its names and little more, and batches the room of
// those that are prepared ahead, however many pictures there are.
func TestMemoryOfAFolder(t *testing.T) {
	const n = 100_000
	m := manyFiles{classes: 4, each: n / 4, content: pngOf(t, plain(32, 32, red)).Data}
	before := heap()
	d, err := Open(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	name := len("class00/picture0000000.png")
	if perPicture := (heap() - before) / n; perPicture > int64(2*name) {
		t.Errorf("%d bytes of memory a picture, with names of %d", perPicture, name)
	}
	if d.Len() != n || d.Path(0) != "class00/picture0000000.png" || d.Path(n-1) != "class03/picture0024999.png" || d.Label(n-1) != 3 {
		t.Errorf("%d pictures, %s to %s", d.Len(), d.Path(0), d.Path(n-1))
	}
	loader := &data.Loader{Dataset: d, BatchSize: 10, Shuffle: true, Workers: 2, Prefetch: 1}
	before = heap()
	// What is being decoded while the memory is looked at counts, too, so the
	// least says how much is kept.
	least := int64(math.MaxInt64)
	for i := range loader.Batches() {
		if i >= 500 && i%50 == 0 {
			least = min(least, heap()-before)
		}
		if i == 1000 {
			break
		}
	}
	if loader.Err() != nil {
		t.Fatal(loader.Err())
	}
	// The order, and two chunks of two workers, each of 65,536 samples as bytes
	// and as floats. The 10,000 pictures that came would be 30 MB.
	if want := int64(8*n + 2*2*5*65_536 + 4<<20); least > want {
		t.Errorf("%d bytes of memory while loading, want %d at most", least, want)
	}
}

// BenchmarkOpenMillion opens a folder of a million pictures.
func BenchmarkOpenMillion(b *testing.B) {
	m := manyFiles{classes: 10, each: 100_000, content: pngOf(b, plain(8, 8, red)).Data}
	var d *Dataset
	before := heap()
	for b.Loop() {
		var err error
		if d, err = Open(m, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/float64(d.Len()), "bytes-kept/picture")
	b.ReportMetric(float64(b.N*d.Len())/b.Elapsed().Seconds(), "pictures/s")
}
