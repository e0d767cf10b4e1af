//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package atomicfile

import (
	"errors"
	"os"
)

// removeOpen tells whether a file may be removed while it is open.
const removeOpen = false

// tryLock returns errors.ErrUnsupported: files are not locked here.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
