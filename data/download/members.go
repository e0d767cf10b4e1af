package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"inkling/internal/wording"
)

// Member is a file to get out of a zip archive.
type Member struct {
	Name string // in the archive
	Path string // where to store it; all members of a call go into one folder

	// Check, if not nil, reads the file through before any member gets its
	// name, in the order of the members, and says what is wrong with it.
	Check func(io.Reader) error
}

// Members gets files out of a zip archive: the end of the archive with its
// directory in one request, or two, and each file in one more. Their CRC-32 sums
// are compared. A server that sends whole files only is asked for the whole
// archive, whose MD5 sum is compared, and which is removed again.
//
// A mirror is asked for the files as they are stored, not for the archive; there
// only their checks tell that they are whole.
//
// A file that is there already and passes its check is not asked for.
func Members(ctx context.Context, archive File, members []Member, o Options) error {
	o = o.withDefaults()
	if len(members) == 0 {
		return nil
	}
	unlock, err := lock(ctx, filepath.Dir(members[0].Path), o)
	if err != nil {
		return err
	}
	defer unlock()
	missing := false
	for _, m := range members {
		missing = missing || !present(m.Path, File{Check: m.Check})
	}
	if !missing {
		return nil
	}
	return eachURL(ctx, slices.Concat(o.Mirrors, archive.URLs), o, func(url string) error {
		if slices.Contains(o.Mirrors, url) {
			return mirroredMembers(ctx, url, archive, members, o)
		}
		err := getMembers(ctx, url, archive, members, o)
		if errors.Is(err, errNoRanges) {
			o.Notice(url + " can only be had as a whole, so that is what comes")
			return getArchive(ctx, url, archive, members, o)
		}
		return err
	})
}

// getMembers gets files one by one.
func getMembers(ctx context.Context, url string, archive File, members []Member, o Options) error {
	remote := &remoteZip{url: url, o: o}
	all, err := remote.directory(ctx)
	if err != nil {
		return err
	}
	if remote.total > archive.maxSize() {
		return fmt.Errorf("%s has %s, more than the %d that it may have", url, wording.Number(remote.total, "byte"), archive.maxSize())
	}
	var sources []source
	for _, m := range members {
		e, err := find(all, m.Name, archive.maxSize())
		if err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		there, err := storedMember(m)
		if err != nil {
			return err
		}
		if there != nil {
			defer there.forget()
			sources = append(sources, *there)
			continue
		}
		p, err := openPart(m.Path+".part", record{URL: url, From: e.offset, To: e.next, Total: remote.total, Validator: remote.validator})
		if err != nil {
			return err
		}
		defer p.leave()
		t := &transfer{part: p, name: filepath.Base(m.Path), max: archive.maxSize(), o: o}
		if err := t.run(ctx); err != nil {
			if errors.Is(err, errNoRanges) { // the whole archive will come instead
				p.remove()
				for _, s := range sources {
					s.forget()
				}
			}
			return err
		}
		remove := func() error { p.remove(); return nil }
		sources = append(sources, source{m, false, remove, func() (io.Reader, error) { return e.open(p.reader()) }})
	}
	if err := installAll(sources); err != nil {
		return fmt.Errorf("%s is not usable: %w", url, err)
	}
	return nil
}

// storedMember returns a member that has its place already, or nil.
func storedMember(m Member) (*source, error) {
	if !present(m.Path, File{Check: m.Check}) {
		return nil, nil
	}
	f, err := os.Open(m.Path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", m.Path, err)
	}
	open := func() (io.Reader, error) { _, err := f.Seek(0, io.SeekStart); return f, err }
	return &source{m, true, f.Close, open}, nil
}

// mirroredMembers gets files from a mirror that has them one by one.
func mirroredMembers(ctx context.Context, mirror string, archive File, members []Member, o Options) error {
	var sources []source
	for _, m := range members {
		there, err := storedMember(m)
		if err != nil {
			return err
		}
		if there != nil {
			defer there.forget()
			sources = append(sources, *there)
			continue
		}
		p, err := getWhole(ctx, onMirror(mirror, m.Path), m.Path+".part", File{MaxSize: archive.MaxSize}, o)
		if err != nil {
			return err
		}
		defer p.leave()
		remove := func() error { p.remove(); return nil }
		sources = append(sources, source{m, false, remove, func() (io.Reader, error) { return p.reader(), nil }})
	}
	if err := installAll(sources); err != nil {
		return fmt.Errorf("what came from %s is not usable: %w", mirror, err)
	}
	return nil
}

// getArchive gets the whole archive and unpacks files of it.
func getArchive(ctx context.Context, url string, archive File, members []Member, o Options) error {
	path := filepath.Join(filepath.Dir(members[0].Path), filepath.Base(url)+".part")
	p, err := getWhole(ctx, url, path, File{MD5: archive.MD5, MaxSize: archive.MaxSize}, o)
	if err != nil {
		return err
	}
	defer p.remove()
	all, err := directoryOf(p.file, p.size)
	if err != nil {
		return fmt.Errorf("%s cannot be unpacked: %w", url, err)
	}
	var sources []source
	for _, m := range members {
		e, err := find(all, m.Name, archive.maxSize())
		if err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		keep := func() error { return nil }
		sources = append(sources, source{m, false, keep, func() (io.Reader, error) {
			return e.open(io.NewSectionReader(p.file, e.offset, e.next-e.offset))
		}})
	}
	if err := installAll(sources); err != nil {
		return fmt.Errorf("%s is not usable: %w", url, err)
	}
	return nil
}

// A source is where the content of a member comes from.
type source struct {
	Member
	there  bool         // it has its place already
	forget func() error // drops what came of it
	open   func() (io.Reader, error)
}

// installAll checks all members before it stores the first. What came is
// forgotten in the end: it has its place, or it is of no use.
func installAll(sources []source) error {
	for _, s := range sources {
		defer s.forget()
	}
	for _, s := range sources {
		content, err := s.open()
		if err == nil && s.Check != nil {
			err = s.Check(content)
		}
		if err == nil { // the sums are compared at the end
			_, err = io.Copy(io.Discard, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	for _, s := range sources {
		if s.there {
			continue
		}
		content, err := s.open()
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if err := install(s.Path, content); err != nil {
			return err
		}
	}
	return nil
}

// remoteZip is an archive on a server that knows ranges.
type remoteZip struct {
	url       string
	o         Options
	total     int64
	validator string
}

// directory reads the directory of the archive.
func (z *remoteZip) directory(ctx context.Context) ([]entry, error) {
	tail, begin, err := z.read(ctx, "-"+strconv.Itoa(tailSize))
	if err != nil {
		return nil, err
	}
	if begin+int64(len(tail)) != z.total {
		return nil, fmt.Errorf("%s cannot be downloaded: the server sends bytes %d to %d as the last of %d", z.url, begin, begin+int64(len(tail))-1, z.total)
	}
	offset, length, entries, err := directoryPlace(tail, z.total)
	if err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", z.url, err)
	}
	if offset >= begin {
		tail = tail[offset-begin:]
	} else {
		tail, begin, err = z.read(ctx, fmt.Sprintf("%d-%d", offset, offset+length-1))
		if err != nil {
			return nil, err
		}
		if begin != offset || int64(len(tail)) != length {
			return nil, fmt.Errorf("%s cannot be downloaded: the server sends %s from byte %d on, asked for %d from %d on", z.url, wording.Number(len(tail), "byte"), begin, length, offset)
		}
	}
	all, err := readDirectory(tail[:length], offset, entries)
	if err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", z.url, err)
	}
	return all, nil
}

// read brings some bytes and tells where they begin.
func (z *remoteZip) read(ctx context.Context, byteRange string) (content []byte, begin int64, err error) {
	err = persist(ctx, z.o, func() (int64, error) {
		err := ask(ctx, z.o, z.url, byteRange, z.validator, func(a answer) error {
			switch {
			case !a.ranged:
				return final{errNoRanges}
			case z.validator != "" && a.validator != z.validator:
				return final{fmt.Errorf("%s was changed on the server while it was downloaded: try again", z.url)}
			case a.length > maxDirectory:
				return final{fmt.Errorf("%s cannot be downloaded: the server sends %s, asked for %s", z.url, wording.Number(a.length, "byte"), byteRange)}
			}
			z.total, z.validator, begin = a.total, a.validator, a.from
			content = make([]byte, a.length)
			if n, err := io.ReadFull(a.body, content); err != nil {
				return fmt.Errorf("%s broke off after %d of %s: %w", z.url, n, wording.Number(a.length, "byte"), err)
			}
			return nil
		})
		if errors.Is(err, errOutOfRange) {
			err = final{errNoRanges} // a server that does not know "the last bytes"
		}
		return 0, err
	})
	return content, begin, err
}
