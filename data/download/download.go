// Package download gets published files over a network that breaks off, stands
// still and sends something else than was asked for.
//
// [Get] gets a whole file, [Members] single files out of a zip archive far away,
// of which it reads nothing else when the server knows ranges (RFC 9110, section
// 14). Both write whole files or none: what has come so far is kept beside the
// file, with .part at the end of its name, and a later call takes it up again
// unless the published file has changed meanwhile. Two processes may get files
// into one folder at the same time: one of them waits for the other. The SHA-256
// sum of every file is noted in the folder, see [Sums].
//
// Proxies are those of the environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.
package download

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inkling/internal/atomicfile"
)

// File is a published file.
type File struct {
	// URLs are the places where it is published. They are asked in turn until
	// one has it.
	URLs []string

	// MD5 is its published sum in hexadecimal digits, or empty if there is none.
	MD5 string

	// MaxSize is the number of bytes it may have at most, so that a server gone
	// wrong does not fill the disk. 0 means 1 GiB.
	MaxSize int64

	// Check, if not nil, reads the file through before it gets its name, and
	// says what is wrong with it.
	Check func(io.Reader) error
}

// Options say how to get files. The zero value is what is usual.
type Options struct {
	// Mirrors are places that are asked before the published ones, in turn: a
	// file is looked for at MIRROR/FILE, by the name that it is stored under. Its
	// sum and its check are the same as those of the published file.
	Mirrors []string

	// Client makes the requests. Nil means http.DefaultClient.
	Client *http.Client

	// Attempts is how often in a row a server may fail without sending anything
	// new. 0 means 6.
	Attempts int

	// Wait is the time before the second attempt. It doubles with every further
	// one, to 30 s at most, and is longer if the server asks for it. 0 means 1 s.
	Wait time.Duration

	// Silence is how long a server may send nothing before it is asked again. 0
	// means 30 s.
	Silence time.Duration

	// Progress, if not nil, is called whenever something has come.
	Progress func(Progress)

	// Notice, if not nil, is told in a sentence what a person may want to know
	// meanwhile: that it waits, that it tries again, that it starts over.
	Notice func(sentence string)
}

func (o Options) withDefaults() Options {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Attempts == 0 {
		o.Attempts = 6
	}
	if o.Wait == 0 {
		o.Wait = time.Second
	}
	if o.Silence == 0 {
		o.Silence = 30 * time.Second
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	return o
}

func (f File) maxSize() int64 {
	if f.MaxSize == 0 {
		return 1 << 30
	}
	return f.MaxSize
}

// Get gets a file and stores it as path, whose folder it makes. If a file is
// there already that has the right sum and passes the check, nothing is asked
// for; if it does not, it is replaced once a right one has come.
func Get(ctx context.Context, path string, file File, o Options) error {
	o = o.withDefaults()
	unlock, err := lock(ctx, filepath.Dir(path), o)
	if err != nil {
		return err
	}
	defer unlock()
	if present(path, file) {
		return nil
	}
	var urls []string
	for _, mirror := range o.Mirrors {
		urls = append(urls, onMirror(mirror, path))
	}
	return eachURL(ctx, append(urls, file.URLs...), o, func(url string) error {
		p, err := getWhole(ctx, url, path+".part", file, o)
		if err != nil {
			return err
		}
		defer p.remove()
		return install(path, p.reader())
	})
}

// onMirror is where a mirror has the file that is stored as path.
func onMirror(mirror, path string) string {
	return strings.TrimSuffix(mirror, "/") + "/" + url.PathEscape(filepath.Base(path))
}

// getWhole gets a file into a part and checks it.
func getWhole(ctx context.Context, url, path string, file File, o Options) (*part, error) {
	p, err := openPart(path, record{URL: url, To: -1})
	if err != nil {
		return nil, err
	}
	t := &transfer{part: p, name: filepath.Base(url), max: file.maxSize(), o: o}
	if err := t.run(ctx); err != nil {
		p.leave()
		return nil, err
	}
	if err := check(p.reader(), file); err != nil {
		p.remove() // taking it up again would not make it right
		return nil, fmt.Errorf("what came from %s is not usable: %w", url, err)
	}
	return p, nil
}

// eachURL tries the places in turn.
func eachURL(ctx context.Context, urls []string, o Options, get func(url string) error) error {
	if len(urls) == 0 {
		return errors.New("there is no place known to download the file from")
	}
	var failures []error
	for i, url := range urls {
		err := get(url)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		failures = append(failures, err)
		if i+1 < len(urls) {
			o.Notice(fmt.Sprintf("%v; trying the next place", err))
		}
	}
	if len(failures) == 1 {
		return failures[0]
	}
	return fmt.Errorf("none of %d places has it: %w", len(urls), failures[len(failures)-1])
}

// present tells whether the file is there already.
func present(path string, file File) bool {
	if file.MD5 == "" && file.Check == nil {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return check(f, file) == nil
}

// check compares the published sum and calls Check.
func check(r io.ReadSeeker, file File) error {
	if file.MD5 != "" {
		sum := md5.New()
		if _, err := io.Copy(sum, r); err != nil {
			return fmt.Errorf("it cannot be read: %w", err)
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != file.MD5 {
			return fmt.Errorf("it has md5 %s, want %s: it is damaged or was changed, try again", got, file.MD5)
		}
	}
	if file.Check == nil {
		return nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return file.Check(r)
}

// install stores what r has as path, and notes its sum.
func install(path string, r io.Reader) error {
	sum := sha256.New()
	err := atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, sum), r)
		return err
	})
	if err != nil {
		return err
	}
	return note(filepath.Dir(path), filepath.Base(path), hex.EncodeToString(sum.Sum(nil)))
}
