package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// expect checks the content of a file and that its folder holds nothing else.
func expect(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", path, got, want)
	}
	onlyEntry(t, path)
}

func onlyEntry(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != filepath.Base(path) {
			t.Errorf("left over: %s", entry.Name())
		}
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	for _, content := range []string{"old", "", strings.Repeat("new", 100_000)} {
		if err := Write(path, text(content)); err != nil {
			t.Fatal(err)
		}
		expect(t, path, content)
	}
}

func TestWriteInWorkingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Write("model.pth", text("x")); err != nil {
		t.Fatal(err)
	}
	expect(t, "model.pth", "x")
}

func TestLongNames(t *testing.T) {
	name := strings.Repeat("é", 125) + ".pth" // 254 bytes
	if runtime.GOOS == "windows" {
		name = strings.Repeat("é", 60) + ".pth"
	}
	path := filepath.Join(t.TempDir(), name)
	if err := Write(path, text("x")); err != nil {
		t.Fatal(err)
	}
	expect(t, path, "x")
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	// The umask of the process, as a file made by the standard library shows it.
	folder := t.TempDir()
	probe, err := os.OpenFile(filepath.Join(folder, "probe"), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	probe.Close()
	info, err := os.Stat(probe.Name())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "model.pth")
	mode := func() fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if err := Write(path, text("a")); err != nil {
		t.Fatal(err)
	}
	if mode() != info.Mode().Perm() {
		t.Errorf("new file has mode %o, want %o", mode(), info.Mode().Perm())
	}
	for _, want := range []fs.FileMode{0o600, 0o666, 0o755} {
		if err := os.Chmod(path, want); err != nil {
			t.Fatal(err)
		}
		if err := Write(path, text("b")); err != nil {
			t.Fatal(err)
		}
		if mode() != want {
			t.Errorf("replaced file has mode %o, want %o", mode(), want)
		}
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, text("c")); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "write-protected") {
		t.Errorf("write-protected file: %v", err)
	}
}

func TestSymbolicLink(t *testing.T) {
	folder, links := t.TempDir(), t.TempDir()
	target, link := filepath.Join(folder, "epoch2.pth"), filepath.Join(links, "latest.pth")
	if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := Write(link, text("new")); err != nil {
		t.Fatal(err)
	}
	expect(t, target, "new")
	onlyEntry(t, link)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	os.Remove(target)
	if err := Write(link, text("new")); err == nil || !strings.Contains(err.Error(), "leads nowhere") {
		t.Errorf("dangling link: %v", err)
	}
}

// broken is a temporary file whose calls fail as asked.
type broken struct {
	file
	write, chmod, sync, close error
}

func (b broken) Write(p []byte) (int, error) {
	if b.write != nil {
		n, _ := b.file.Write(p[:len(p)/2])
		return n, b.write
	}
	return b.file.Write(p)
}

func (b broken) Chmod(mode fs.FileMode) error { return errors.Join(b.chmod, b.file.Chmod(mode)) }
func (b broken) Sync() error                  { return errors.Join(b.sync, b.file.Sync()) }
func (b broken) Close() error                 { return errors.Join(b.close, b.file.Close()) }

func TestFaults(t *testing.T) {
	withFile := func(fault broken) steps {
		do := system
		do.create = func(path string) (file, error) {
			f, err := system.create(path)
			fault.file = f
			return fault, err
		}
		return do
	}
	failingRename := system
	failingRename.rename = func(from, to string) error {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EIO}
	}
	failingCreate := system
	failingCreate.create = func(string) (file, error) { return nil, syscall.EROFS }
	own := errors.New("tensor fc1.weight is empty")

	tests := []struct {
		name  string
		steps steps
		write func(io.Writer) error
		cause error
		says  string
	}{
		{"create", failingCreate, text("new"), syscall.EROFS, "read-only"},
		{"disk full", withFile(broken{write: syscall.ENOSPC}), text("new"), syscall.ENOSPC, "disk is full; free some space"},
		{"quota", withFile(broken{write: syscall.EDQUOT}), text("new"), syscall.EDQUOT, "disk is full"},
		{"disk full, ignored by write", withFile(broken{write: syscall.ENOSPC}), func(w io.Writer) error {
			for range 100 {
				w.Write(make([]byte, 10_000))
			}
			return nil
		}, syscall.ENOSPC, "disk is full"},
		{"disk full, hidden by write", withFile(broken{write: syscall.ENOSPC}), func(w io.Writer) error {
			w.Write(make([]byte, 1_000_000))
			return own
		}, syscall.ENOSPC, "disk is full"},
		{"mode", withFile(broken{chmod: syscall.EIO}), text("new"), syscall.EIO, "mode"},
		{"sync", withFile(broken{sync: syscall.EIO}), text("new"), syscall.EIO, "forcing the data"},
		{"close", withFile(broken{close: syscall.EIO}), text("new"), syscall.EIO, "closing"},
		{"rename", failingRename, text("new"), syscall.EIO, "renaming"},
		{"write's own error", system, func(w io.Writer) error {
			io.WriteString(w, "half")
			return own
		}, own, "tensor fc1.weight is empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.pth")
			if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			err := replace(test.steps, path, test.write)
			if !errors.Is(err, test.cause) {
				t.Fatalf("error %v, want one that wraps %v", err, test.cause)
			}
			if !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q does not name the file and %q", err, test.says)
			}
			if strings.Contains(err.Error(), suffix) {
				t.Errorf("error %q names the temporary file", err)
			}
			expect(t, path, "old")
		})
	}
}

func TestFolderSyncFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	do := system
	do.syncFolder = func(string) error { return syscall.EIO }
	err := replace(do, path, text("new"))
	if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "is saved, but") {
		t.Errorf("error %v", err)
	}
	expect(t, path, "new")
}

// device is a temporary file whose content goes elsewhere.
type device struct {
	file
	to io.Writer
}

func (d device) Write(p []byte) (int, error) { return d.to.Write(p) }

// TestFullDevice writes to the kernel's own full disk.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	path := filepath.Join(t.TempDir(), "model.pth")
	do := system
	do.create = func(path string) (file, error) {
		f, err := system.create(path)
		return device{f, full}, err
	}
	if err := replace(do, path, text("new")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file appeared")
	}
}

func TestPanic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic did not get through")
			}
		}()
		Write(path, func(w io.Writer) error {
			io.WriteString(w, "half")
			panic("boom")
		})
	}()
	expect(t, path, "old")
}

func TestBadPlaces(t *testing.T) {
	folder := t.TempDir()
	plain := filepath.Join(folder, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, says string }{
		{"no name", "", "file name is empty"},
		{"missing folder", filepath.Join(folder, "missing", "model.pth"), "does not exist; create it"},
		{"folder", folder, "it is a folder"},
		{"parent is a file", filepath.Join(plain, "model.pth"), "is a file, not a folder"},
		{"grandparent is a file", filepath.Join(plain, "a", "model.pth"), "not"},
		{"name too long", filepath.Join(folder, strings.Repeat("x", 300)), ""},
	}
	if runtime.GOOS != "windows" {
		tests = append(tests, struct{ name, path, says string }{"device", os.DevNull, "no regular file"})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			called := false
			err := Write(test.path, func(io.Writer) error { called = true; return nil })
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one with %q", err, test.says)
			}
			if called && test.says != "" {
				t.Error("write was called")
			}
		})
	}
	onlyEntry(t, plain)
}

func TestReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("folder permissions do not bind this user, who is root or on Windows")
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	err := Write(filepath.Join(folder, "model.pth"), text("x"))
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "no permission to write in the folder") {
		t.Errorf("error %v", err)
	}
}

func TestAbandonedTemporaryFiles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "model.pth")
	left, other := filepath.Join(folder, temporaryName("model.pth")), filepath.Join(folder, temporaryName("other.pth"))
	used := filepath.Join(folder, temporaryName("model.pth"))
	held := filepath.Join(folder, prefix("held.pth")+heldBy+suffix)
	alike := filepath.Join(folder, ".model.pth.notes"+suffix)
	short := filepath.Join(folder, ".0123456789abcdef"+suffix)
	for _, name := range []string{left, other, used, held, alike, short} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(used)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	locks := true
	if got, err := tryLock(f); errors.Is(err, errors.ErrUnsupported) {
		locks = false // then all are too young
	} else if !got {
		t.Fatal("a new file is locked")
	}
	if err := Write(path, text("x")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{path: true, left: !locks, other: !locks, held: !locks, used: true, alike: true, short: true} {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s exists: %v, want %v", filepath.Base(name), err == nil, want)
		}
	}
}

// TestManyWriters lets writers of one target, who all look for abandoned files,
// get into each other's way.
func TestManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for range 50 {
				if err := Write(path, text(strings.Repeat(strconv.Itoa(w), 10_000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, path, strings.Repeat(string(content[:1]), 10_000))
}

// counter counts the calls that reach the disk.
type counter struct {
	file
	calls *int
}

func (c counter) Write(p []byte) (int, error) { *c.calls++; return c.file.Write(p) }

func TestFewWrites(t *testing.T) {
	calls := 0
	do := system
	do.create = func(path string) (file, error) {
		f, err := system.create(path)
		return counter{f, &calls}, err
	}
	err := replace(do, filepath.Join(t.TempDir(), "model.pth"), func(w io.Writer) error {
		for range 44_426 {
			if _, err := w.Write([]byte{1, 2, 3, 4}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || calls > 3 {
		t.Errorf("%d writes, error %v; want at most 3", calls, err)
	}
}

func ExampleWrite() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "losses.csv")
	err = Write(path, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "epoch,loss\n1,0.223")
		return err
	})
	content, _ := os.ReadFile(path)
	fmt.Println(string(content), err)
	// Output:
	// epoch,loss
	// 1,0.223
	//  <nil>
}
