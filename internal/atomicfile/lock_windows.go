package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// removeOpen tells whether a file may be removed while it is open.
const removeOpen = false

// lockAt is where the locked byte is: far behind what files hold, since others
// could not read a byte that is locked.
const lockAt = 1 << 30

// tryLock locks f for as long as it is open, or for the life of the process. It
// returns false if another open file has the lock, and errors.ErrUnsupported
// where there are no locks.
func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{OffsetHigh: lockAt})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	}
	return false, errors.ErrUnsupported
}
