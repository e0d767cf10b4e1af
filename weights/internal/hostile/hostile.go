// Package hostile has what the tests of the weight formats share: checks that a
// file is refused as it should be, that reading it takes no more memory than it
// may, and that no damage goes unnoticed.
package hostile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"inkling/weights/internal/untrusted"
)

// Read reads a file that stands in data, and all that is in it.
type Read func(data []byte) error

// Refused checks that data is refused: with a FormatError of one line that names
// a place and has one of the reasons in says, which are divided by |, and within
// the memory that a file of its size may take.
func Refused(t testing.TB, read Read, data []byte, says string) {
	t.Helper()
	err := InMemory(t, read, data)
	var format *untrusted.FormatError
	if !errors.As(err, &format) {
		t.Fatalf("error %v, want a FormatError", err)
	}
	if format.Offset < 0 || format.Offset > int64(len(data)) {
		t.Errorf("error %q at byte %d, want a place in the file of %d bytes", err, format.Offset, len(data))
	}
	reasons := strings.Split(says, "|")
	for len(reasons) > 0 && !strings.Contains(err.Error(), reasons[0]) {
		reasons = reasons[1:]
	}
	if len(reasons) == 0 {
		t.Errorf("error %q, want %q", err, says)
	}
	if strings.ContainsAny(err.Error(), "\n\x1b\x00") || len(err.Error()) > 1000 {
		t.Errorf("error %q is not one short line", err)
	}
}

// InMemory returns read's error, and checks that it has allocated at most 8
// times the file's size and 1 MB, all in all. It gives up on a reader that hangs.
func InMemory(t testing.TB, read Read, data []byte) error {
	t.Helper()
	var err error
	used, most := uint64(0), 8*uint64(len(data))+1<<20
	// Other goroutines allocate too: the least of several measurements counts.
	// The race detector allocates memory of its own.
	for i := 0; i == 0 || i < 5 && used > most && !RaceEnabled; i++ {
		var before, after runtime.MemStats
		done := make(chan struct{})
		runtime.ReadMemStats(&before)
		go func() {
			defer close(done)
			err = read(data)
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("reading %d bytes hangs", len(data))
		}
		runtime.ReadMemStats(&after)
		used = after.TotalAlloc - before.TotalAlloc
	}
	if used > most && !RaceEnabled {
		t.Errorf("reading %d bytes took %d bytes of memory, at most %d are allowed", len(data), used, most)
	}
	return err
}

// Bounded is InMemory for a reader of a file, and checks by counting that it does
// no more work than the file's size allows, which no clock can tell: that it reads
// no byte more than a few times, in no more calls than there are bytes, and that it
// allocates few things for each byte.
func Bounded(t testing.TB, read func(r io.ReaderAt, size int64) error, data []byte) error {
	t.Helper()
	counted := &countedReader{r: bytes.NewReader(data)}
	calls := 0
	var before, after runtime.MemStats
	err := InMemory(t, func(data []byte) error {
		calls++
		runtime.ReadMemStats(&before)
		err := read(counted, int64(len(data)))
		runtime.ReadMemStats(&after)
		return err
	}, data)
	size, times := int64(len(data)), int64(calls)
	if most := times * (4*size + 64<<10); counted.bytes > most {
		t.Errorf("%d bytes were read of a file of %d in %d readings, at most %d are allowed", counted.bytes, size, calls, most)
	}
	if most := times * (size + 1000); counted.calls > most {
		t.Errorf("a file of %d bytes was read in %d calls in %d readings, at most %d are allowed", size, counted.calls, calls, most)
	}
	if n, most := after.Mallocs-before.Mallocs, uint64(4*size+20_000); n > most && !RaceEnabled {
		t.Errorf("reading %d bytes allocated %d things, at most %d are allowed", size, n, most)
	}
	return err
}

// countedReader counts what is read.
type countedReader struct {
	r            io.ReaderAt
	bytes, calls int64
}

func (c *countedReader) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(b, at)
	c.bytes += int64(n)
	c.calls++
	return n, err
}

// EveryByteCounts checks that data is refused when it is cut at any place, when
// a byte follows it, and when any byte is changed, unless that is free. What is
// read in spite of a change in a free byte must be the same.
func EveryByteCounts[T any](t testing.TB, data []byte, read func(data []byte) (T, error), same func(t testing.TB, a, b T), free func(i int) bool) {
	t.Helper()
	want, err := read(bytes.Clone(data))
	if err != nil {
		t.Fatal(err)
	}
	for length := range len(data) {
		if _, err := read(data[:length]); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", length, len(data))
		}
	}
	if _, err := read(append(bytes.Clone(data), 0)); err == nil && !free(len(data)) {
		t.Error("a byte more: no error")
	}
	data = bytes.Clone(data)
	for _, flip := range []byte{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff} {
		for i := range data {
			data[i] ^= flip
			if got, err := read(data); err == nil {
				if !free(i) {
					t.Errorf("byte %d of %d changed from %02x to %02x: no error", i, len(data), data[i]^flip, data[i])
				}
				same(t, got, want)
			}
			data[i] ^= flip
		}
	}
}

// NoneFree is for a file of which no byte may change.
func NoneFree(int) bool { return false }

// Python returns a Python that can import some modules, such as "torch, numpy". If
// there is none, the test is skipped, and says that our files were not checked.
func Python(t testing.TB, modules string) string {
	t.Helper()
	if testing.Short() {
		t.Skipf("SKIPPED: our files were not checked with Python's %s, which takes seconds to start", modules)
	}
	for _, name := range []string{os.Getenv("PYTHON"), "python3", "/usr/bin/python3"} {
		if name != "" && exec.Command(name, "-c", "import "+modules).Run() == nil {
			return name
		}
	}
	t.Skipf("SKIPPED: our files were not checked with Python's %s, which was not found; install it, or set PYTHON to a Python that has it", modules)
	return ""
}

// FullDisk is a writer with room for so many bytes.
type FullDisk struct{ Room int }

func (d *FullDisk) Write(b []byte) (int, error) {
	if len(b) > d.Room {
		return d.Room, io.ErrShortWrite
	}
	d.Room -= len(b)
	return len(b), nil
}

// BrokenDisk is a file that cannot be read any more after some reads.
type BrokenDisk struct {
	io.ReaderAt
	Reads int
	Err   error
}

func (d *BrokenDisk) ReadAt(b []byte, at int64) (int, error) {
	if d.Reads == 0 {
		return 0, d.Err
	}
	d.Reads--
	return d.ReaderAt.ReadAt(b, at)
}
