package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// heldBy marks the name of the file that Hold locks.
const heldBy = "held"

// HeldError reports that another process holds a file. PID is its process id, 0
// if that is not known.
type HeldError struct {
	Path string
	PID  int
}

func (e *HeldError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s is writing %s: wait for it, stop it, or choose another name", who, e.Path)
}

// Hold claims the file at path, which need not exist, for the process's life or
// until release is called. While it is held, Hold fails elsewhere, and in this
// process too, with a *HeldError; Write takes no notice. A process that dies
// lets go, however it dies.
//
// A hidden file in the same folder carries the lock, and goes away with it (or
// at the next Write into the folder, if the process was killed). Where the file
// system has no locks, nothing is held, and Hold succeeds.
func Hold(path string) (release func(), err error) {
	target, _, err := resolve(path)
	if err != nil {
		return nil, err
	}
	folder, base := filepath.Split(target)
	if folder == "" {
		folder = "."
	}
	name := filepath.Join(folder, prefix(base)+heldBy+suffix)
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, newFileMode)
		if err != nil {
			return nil, explain(path, folder, "creating a file to lock", err)
		}
		got, err := tryLock(f)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			f.Close()
			os.Remove(name)
			return func() {}, nil
		case !got:
			held := &HeldError{Path: path, PID: readPID(f)}
			f.Close()
			return nil, held
		case !isAt(f, name):
			f.Close() // who held it before has removed it just now
			continue
		}
		if err := writePID(f); err != nil {
			f.Close()
			os.Remove(name)
			return nil, explain(path, folder, "writing a file to lock", err)
		}
		return func() {
			if removeOpen { // before the lock is free, lest another's file be removed
				os.Remove(name)
				f.Close()
			} else {
				f.Close()
				os.Remove(name) // fails if another has opened it meanwhile
			}
		}, nil
	}
}

// Holder returns the process that holds the file at path, 0 if none is known to. It
// takes no lock, and so is in nobody's way; who has been killed is not taken for one,
// unless another process has its number now.
func Holder(path string) int {
	target, _, err := resolve(path)
	if err != nil {
		return 0
	}
	folder, base := filepath.Split(target)
	f, err := os.Open(filepath.Join(folder, prefix(base)+heldBy+suffix))
	if err != nil {
		return 0
	}
	defer f.Close()
	if pid := readPID(f); pid > 0 && alive(pid) {
		return pid
	}
	return 0
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(f, os.Getpid())
	return err
}

func readPID(f *os.File) int {
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
