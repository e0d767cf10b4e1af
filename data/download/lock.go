package download

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// lock makes a folder and waits until no other process gets files into it. The
// system gives the lock back when a process dies, so the file it lies on may
// stay.
func lock(ctx context.Context, dir string, o Options) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the folder for downloaded files cannot be made: %w", err)
	}
	type result struct {
		unlock func()
		err    error
	}
	locked := make(chan result, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(filepath.Join(dir, ".lock")).Lock()
		locked <- result{unlock, err}
	}()
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	for {
		select {
		case r := <-locked:
			if r.err != nil {
				return nil, fmt.Errorf("the folder %s cannot be locked for a download: %w", dir, r.err)
			}
			return r.unlock, nil
		case <-patience.C:
			o.Notice("another process downloads into " + dir + ": waiting for it")
		case <-ctx.Done():
			go func() { // the lock may still come
				if r := <-locked; r.err == nil {
					r.unlock()
				}
			}()
			return nil, fmt.Errorf("the download did not begin: %w", context.Cause(ctx))
		}
	}
}
