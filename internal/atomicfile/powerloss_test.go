package atomicfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// disk is what a disk has been asked to do, in order, and which of it it must have done
// by now: what was written and not forced may come in any order or never, when the power
// fails.
type disk struct {
	files   map[string]*inode // by name, as the running system sees them
	entries []entry           // changes of names, in their order
}

type inode struct{ parts []part }

type part struct {
	data   []byte
	forced bool
}

type entry struct {
	name   string
	is     *inode // nil for none
	forced bool
}

func newDisk(name, content string) *disk {
	old := &inode{parts: []part{{[]byte(content), true}}}
	return &disk{files: map[string]*inode{name: old}, entries: []entry{{name, old, true}}}
}

// onDisk is an open file.
type onDisk struct {
	file // the real one, whose folder keeps the names
	of   *inode
	lies bool // Sync forces nothing, and says so to nobody
}

func (f *onDisk) Write(p []byte) (int, error) {
	f.of.parts = append(f.of.parts, part{data: slices.Clone(p)})
	return f.file.Write(p)
}

func (f *onDisk) Sync() error {
	if !f.lies {
		for i := range f.of.parts {
			f.of.parts[i].forced = true
		}
	}
	return f.file.Sync()
}

// steps has Write work on the real file system and the disk note what is done.
func (d *disk) steps(folder string, lies bool, after func()) steps {
	return steps{
		create: func(path string) (file, error) {
			real, err := system.create(path)
			if err != nil {
				return nil, err
			}
			new := &inode{}
			d.files[path] = new
			d.entries = append(d.entries, entry{name: path, is: new})
			after()
			return &onDisk{&watchedFile{real, after}, new, lies}, nil
		},
		rename: func(from, to string) error {
			d.entries = append(d.entries, entry{name: to, is: d.files[from]}, entry{name: from})
			d.files[to] = d.files[from]
			delete(d.files, from)
			after()
			return system.rename(from, to)
		},
		syncFolder: func(path string) error {
			for i := range d.entries {
				d.entries[i].forced = true
			}
			after()
			return system.syncFolder(path)
		},
	}
}

// watchedFile calls after whenever something was done.
type watchedFile struct {
	file
	after func()
}

func (f *watchedFile) Write(p []byte) (int, error) { defer f.after(); return f.file.Write(p) }
func (f *watchedFile) Sync() error                 { defer f.after(); return f.file.Sync() }

// afterLoss returns everything that the file of a name may be, were the power to fail now:
// its contents, "(none)" if there is none.
func (d *disk) afterLoss(name string) map[string]bool {
	states := map[string]bool{}
	var open []int // changes of names that may be lost
	for i, e := range d.entries {
		if !e.forced {
			open = append(open, i)
		}
	}
	for kept := range 1 << len(open) {
		var is *inode
		for i, e := range d.entries {
			at := slices.Index(open, i)
			if e.name == name && (at < 0 || kept>>at&1 == 1) {
				is = e.is
			}
		}
		if is == nil {
			states["(none)"] = true
			continue
		}
		for _, content := range is.afterLoss() {
			states[content] = true
		}
	}
	return states
}

// afterLoss returns what may be left of a file: every part that was not forced may be
// there, be zeros as a hole is, or be missing with all that follows.
func (n *inode) afterLoss() []string {
	list := []string{""}
	var cut []string
	for _, p := range n.parts {
		var next []string
		for _, before := range list {
			next = append(next, before+string(p.data))
			if !p.forced {
				cut = append(cut, before, before+string(p.data[:len(p.data)/2]))
				next = append(next, before+string(make([]byte, len(p.data))))
			}
		}
		list = next
	}
	return append(list, cut...)
}

// TestPowerLoss lets the power fail after every call that writing a file makes, and looks
// at all that may be on the disk then. What a disk does that forces nothing shows that the
// look is worth something.
func TestPowerLoss(t *testing.T) {
	for _, lies := range []bool{false, true} {
		t.Run(fmt.Sprintf("lies=%v", lies), func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "last.pth")
			contents := []string{"the first checkpoint", "the second one", "and the third"}
			if err := os.WriteFile(path, []byte(contents[0]), 0o644); err != nil {
				t.Fatal(err)
			}
			d := newDisk(path, contents[0])
			moments, torn := 0, 0
			saved := 0 // that Write has said to be there
			for i, content := range contents[1:] {
				look := func() {
					moments++
					for state := range d.afterLoss(path) {
						if at := slices.Index(contents, state); at < saved || at > i+1 {
							torn++
							if !lies {
								t.Errorf("moment %d of save %d: the file may be %q", moments, i+1, state)
							}
						}
					}
				}
				err := replace(d.steps(folder, lies, look), path, func(w io.Writer) error {
					for k := 0; k < len(content); k += 5 {
						if _, err := io.WriteString(w, content[k:min(k+5, len(content))]); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				saved = i + 1
				look()
			}
			if moments < 10 || lies && torn == 0 {
				t.Errorf("%d moments were looked at, and %d torn files found", moments, torn)
			}
		})
	}
}

// A failed fsync is told, never repeated, and the file is what it was.
func TestFailedSyncIsFinal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "last.pth")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	syncs := 0
	do := system
	do.create = func(path string) (file, error) {
		f, err := system.create(path)
		return failsOnce{f, &syncs}, err
	}
	if err := replace(do, path, text("new")); err == nil {
		t.Error("a failed fsync was taken for success")
	}
	if syncs != 1 {
		t.Errorf("fsync was called %d times; a second one may succeed for what is lost", syncs)
	}
	expect(t, path, "old")
}

// failsOnce is a file whose first fsync fails, as Linux reports an error once.
type failsOnce struct {
	file
	syncs *int
}

func (f failsOnce) Sync() error {
	if *f.syncs++; *f.syncs == 1 {
		return fs.ErrInvalid
	}
	return f.file.Sync()
}
