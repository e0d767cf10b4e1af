//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package atomicfile

import (
	"errors"
	"os"
	"syscall"
)

// removeOpen tells whether a file may be removed while it is open.
const removeOpen = true

// tryLock locks f for as long as it is open, or for the life of the process. It
// returns false if another open file has the lock, and errors.ErrUnsupported
// where there are no locks.
func tryLock(f *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default: // ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL: the file system decides
			return false, errors.ErrUnsupported
		}
	}
}
