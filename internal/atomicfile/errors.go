package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// told is an error whose text is for a person and whose cause is for the log.
type told struct {
	text  string
	cause error
}

func (e *told) Error() string { return e.text }
func (e *told) Unwrap() error { return e.cause }

func sentence(cause error, format string, arguments ...any) error {
	return &told{text: fmt.Sprintf(format, arguments...), cause: cause}
}

// errorDiskFull is Windows' ERROR_DISK_FULL, which package syscall does not
// map to ENOSPC.
const errorDiskFull = syscall.Errno(112)

// explain turns an error of the operating system into a sentence that says
// what to do.
func explain(path, folder, step string, err error) error {
	var number syscall.Errno
	errors.As(err, &number)
	full := number == syscall.ENOSPC || number == syscall.EDQUOT ||
		runtime.GOOS == "windows" && number == errorDiskFull
	switch {
	case full:
		return sentence(err, "cannot save %s: the disk is full; free some space or choose another folder", path)
	case number == syscall.EROFS:
		return sentence(err, "cannot save %s: the file system of %s is read-only; choose another folder", path, folder)
	case number == syscall.ENAMETOOLONG:
		return sentence(err, "cannot save %s: the name is too long; choose a shorter one", path)
	}
	if info, statErr := os.Stat(folder); statErr == nil && !info.IsDir() {
		return sentence(err, "cannot save %s: %s is a file, not a folder; choose another folder", path, folder)
	} else if errors.Is(statErr, fs.ErrNotExist) {
		return sentence(err, "cannot save %s: the folder %s does not exist; create it or choose another one", path, folder)
	} else if errors.Is(statErr, syscall.ENOTDIR) {
		return sentence(err, "cannot save %s: a part of %s is a file, not a folder; choose another folder", path, folder)
	}
	if errors.Is(err, fs.ErrPermission) {
		return sentence(err, "cannot save %s: no permission to write in the folder %s; change its permissions or choose another folder", path, folder)
	}
	return sentence(err, "cannot save %s: %s failed (%v); check the disk or choose another folder", path, step, reason(err))
}

// reason returns what the operating system says, without the temporary file's
// name that nobody knows.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
