// Package atomicfile writes a file whole or not at all.
//
// The new content goes to a temporary file in the same folder, is forced to
// the disk (fsync), renamed over the target, and the folder is forced to the
// disk too. Whoever opens the target sees the old content or the new content,
// never a part of either, whatever fails in between.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// newFileMode is the mode of a file that did not exist, before the umask.
	// It is what a person expects of a file they saved: os.CreateTemp's 0600
	// would leave a model that a server under another account cannot read.
	newFileMode = 0o644

	// bufferSize keeps the number of write calls low when write hands over a
	// few bytes at a time.
	bufferSize = 64 << 10

	// abandonedAfter is the age from which a temporary file is taken for the
	// remains of a process that was killed where the file system has no locks,
	// which tell at once. No write takes that long.
	abandonedAfter = 24 * time.Hour
)

// Write replaces the file at path by what write writes, or leaves it as it is.
//
// A new file gets mode 0644 less the umask; an existing one keeps its mode. If
// path is a symbolic link, the file it points to is replaced and the link
// stays. A write-protected file, a folder or a device is refused.
//
// The writer is buffered; it must not be used after write returns. If write
// returns an error or panics, or if any step fails, the temporary file is
// removed and the old file is untouched; only when forcing the folder to the
// disk fails is the new content already in place, and the error says so.
//
// Every error is one sentence for a person, with the cause behind it for
// errors.Is and errors.As.
func Write(path string, write func(w io.Writer) error) error {
	return replace(system, path, write)
}

// file is what Write needs of an open temporary file.
type file interface {
	io.Writer
	Chmod(mode fs.FileMode) error
	Sync() error
	Close() error
}

// steps are the calls that can fail half-way; the tests replace them.
type steps struct {
	create     func(path string) (file, error)
	rename     func(from, to string) error
	syncFolder func(path string) error
}

var system = steps{
	create: func(path string) (file, error) {
		// Not *os.File as file directly: a nil pointer would be a non-nil file.
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, newFileMode)
		if err != nil {
			return nil, err
		}
		return f, nil
	},
	rename:     os.Rename,
	syncFolder: syncFolder,
}

func replace(do steps, path string, write func(w io.Writer) error) (err error) {
	if path == "" {
		return sentence(fs.ErrInvalid, "cannot save: the file name is empty; give a file name")
	}
	target, mode, err := resolve(path)
	if err != nil {
		return err
	}
	folder, base := filepath.Split(target)
	if folder == "" {
		folder = "."
	}
	removeAbandoned(folder)

	temporary, f, unlock, err := createTemporary(do, folder, base)
	if err != nil {
		return explain(path, folder, "creating a temporary file", err)
	}
	defer unlock()
	renamed := false
	defer func() { // also when write panics
		if !renamed {
			f.Close()
			os.Remove(temporary)
		}
	}()

	if mode != 0 {
		if err := f.Chmod(mode); err != nil {
			return explain(path, folder, "setting the file's mode", err)
		}
	}
	disk := &recorder{w: f}
	buffer := bufio.NewWriterSize(disk, bufferSize)
	err = write(buffer)
	if err == nil {
		err = buffer.Flush()
	}
	if disk.err != nil {
		return explain(path, folder, "writing", disk.err)
	}
	if err != nil {
		return fmt.Errorf("cannot save %s: %w", path, err)
	}
	// A failed fsync is final: the kernel may have dropped the pages, so a
	// second fsync could report success for data that is gone.
	if err := f.Sync(); err != nil {
		return explain(path, folder, "forcing the data to the disk", err)
	}
	if err := f.Close(); err != nil {
		return explain(path, folder, "closing the file", err)
	}
	if !removeOpen {
		unlock()
	}
	if err := do.rename(temporary, target); err != nil {
		return explain(path, folder, "renaming the temporary file", err)
	}
	renamed = true
	if err := do.syncFolder(folder); err != nil {
		return sentence(err, "%s is saved, but its folder could not be forced to the disk (%v), so a power failure may undo it; check the disk", path, reason(err))
	}
	return nil
}

// resolve follows a symbolic link at path and returns the file to replace and
// its mode, 0 if there is none yet.
func resolve(path string) (target string, mode fs.FileMode, err error) {
	target = path
	if link, err := os.Lstat(path); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return "", 0, sentence(err, "cannot save %s: it is a symbolic link that leads nowhere; remove the link or create what it points to", path)
		}
	}
	old, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return target, 0, nil
	case err != nil:
		return "", 0, explain(path, filepath.Dir(target), "looking at the file", err)
	case old.IsDir():
		return "", 0, sentence(syscall.EISDIR, "cannot save %s: it is a folder; give the name of a file", path)
	case !old.Mode().IsRegular():
		return "", 0, sentence(fs.ErrInvalid, "cannot save %s: it is no regular file; give the name of a file", path)
	case old.Mode().Perm()&0o222 == 0:
		return "", 0, sentence(fs.ErrPermission, "cannot save %s: the file is write-protected; make it writable or choose another name", path)
	}
	return target, old.Mode().Perm(), nil
}

// prefix starts the name of every temporary file of a target. The target's
// name is cut so that the whole stays below the 255 bytes of a file name.
func prefix(base string) string {
	if len(base) > 100 {
		base = strings.ToValidUTF8(base[:100], "")
	}
	return "." + base + "."
}

const suffix = ".inkling.tmp"

func temporaryName(base string) string {
	return fmt.Sprintf("%s%016x%s", prefix(base), rand.Uint64(), suffix)
}

// createTemporary creates a temporary file for a target, and locks it, if the file
// system can, until unlock is called: so others see that it is in use.
func createTemporary(do steps, folder, base string) (path string, f file, unlock func(), err error) {
	const tries = 10
	for range tries {
		path = filepath.Join(folder, temporaryName(base))
		if f, err = do.create(path); err != nil {
			return "", nil, nil, err
		}
		// Closing f must not unlock it, so another handle does that.
		switch handle, err := os.OpenFile(path, os.O_RDWR, 0); {
		case err == nil:
			got, err := tryLock(handle)
			if errors.Is(err, errors.ErrUnsupported) || got && isAt(handle, path) {
				return path, f, func() { handle.Close() }, nil
			}
			handle.Close()
		case !errors.Is(err, fs.ErrNotExist): // an umask that lets nobody read
			return path, f, func() {}, nil
		}
		f.Close() // another process took it for abandoned before the lock was there
	}
	return "", nil, nil, errors.New("other processes remove it")
}

// isAt reports whether f is the file at path, and not one that was there before.
func isAt(f *os.File, path string) bool {
	is, err1 := f.Stat()
	there, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(is, there)
}

// removeAbandoned deletes the temporary files in a folder, of any target, that
// killed processes left. That it fails is no reason not to save.
func removeAbandoned(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if isTemporary(entry.Name()) && entry.Type().IsRegular() {
			removeIfAbandoned(filepath.Join(folder, entry.Name()))
		}
	}
}

// isTemporary tells whether temporaryName, or Hold, makes such a name.
func isTemporary(name string) bool {
	rest, ok := strings.CutSuffix(name, suffix)
	if !ok || !strings.HasPrefix(rest, ".") {
		return false
	}
	dot := strings.LastIndexByte(rest, '.')
	middle := rest[dot+1:]
	if middle == heldBy {
		return dot > 0
	}
	_, err := strconv.ParseUint(middle, 16, 64)
	return err == nil && len(middle) == 16 && dot > 0
}

// removeIfAbandoned removes a temporary file that no living process has locked.
func removeIfAbandoned(path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	got, err := tryLock(f)
	if errors.Is(err, errors.ErrUnsupported) {
		info, err := f.Stat()
		got = err == nil && time.Since(info.ModTime()) > abandonedAfter
	}
	if !got {
		return
	}
	if !removeOpen {
		f.Close()
	}
	os.Remove(path)
}

// syncFolder makes a rename durable. Windows has no such call, and some file
// systems and permissions do not allow it; a rename is still atomic there.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer folder.Close()
	err = folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// recorder remembers the first error of the disk, to tell it from an error of
// the function that writes.
type recorder struct {
	w   io.Writer
	err error
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n, err
}
