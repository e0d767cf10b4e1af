package emnist

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"inkling/data/idx"
	"inkling/internal/atomicfile"
)

const (
	// ArchiveURL is where NIST publishes EMNIST: 536 MB with all splits.
	ArchiveURL = "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip"

	// ArchiveMD5 is the published sum of that archive, as torchvision has it.
	ArchiveMD5 = "58c8d27c78d21e728a6bc7b3cc06412e"

	// maxArchive is what an archive may have at most, so that a server gone
	// wrong does not fill the disk.
	maxArchive = 1 << 30
)

// CacheDir is the folder that downloaded files are kept in:
// inkling/emnist below os.UserCacheDir.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for downloaded files: %w", err)
	}
	return filepath.Join(dir, "inkling", "emnist"), nil
}

// Cached tells whether all four files of a split are in the cache.
func Cached(splitName string) bool {
	s, err := findSplit(splitName)
	if err != nil {
		return false
	}
	dir, err := CacheDir()
	if err != nil {
		return false
	}
	for _, name := range s.allFiles() {
		if _, err := idx.Find(os.DirFS(dir), name); err != nil {
			return false
		}
	}
	return true
}

// DownloadOptions says what Download gets, and from where.
type DownloadOptions struct {
	// Split is the split whose four files are kept.
	Split string

	// Dir is the folder to keep them in. Empty means CacheDir.
	Dir string

	// URL is the archive and MD5 its sum in hexadecimal digits. Empty means
	// ArchiveURL and ArchiveMD5.
	URL, MD5 string

	// Client makes the request. Nil means http.DefaultClient.
	Client *http.Client

	// Progress, if not nil, is called after every piece with the number of
	// bytes that have come and the number there will be, which is -1 if the
	// server does not say.
	Progress func(done, total int64)
}

// Download gets EMNIST's archive, compares its sum, and puts the four files of a
// split into the cache, gzipped as they are published, after each was read to
// its end and found whole. The archive itself is removed again. It takes 536 MB
// of disk while it runs; when it fails, or ctx ends, nothing of it stays.
//
// Two downloads into one folder must not run at the same time: they would spoil
// each other's archive, which its sum then shows.
func Download(ctx context.Context, o DownloadOptions) error {
	s, err := findSplit(o.Split)
	if err != nil {
		return err
	}
	if o.Dir == "" {
		if o.Dir, err = CacheDir(); err != nil {
			return err
		}
	}
	if o.URL == "" {
		o.URL = ArchiveURL
	}
	if o.MD5 == "" {
		o.MD5 = ArchiveMD5
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("the folder for downloaded files cannot be made: %w", err)
	}
	archive, err := os.Create(filepath.Join(o.Dir, "gzip.zip.part"))
	if err != nil {
		return fmt.Errorf("the archive cannot be stored: %w", err)
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	size, err := fetch(ctx, o, archive)
	if err != nil {
		return err
	}
	return extract(ctx, archive, size, s, o)
}

// fetch writes the archive to w and returns its size when its sum is right.
func fetch(ctx context.Context, o DownloadOptions, w io.Writer) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL, nil)
	if err != nil {
		return 0, fmt.Errorf("%s cannot be asked for: %w", o.URL, err)
	}
	response, err := o.Client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("%s cannot be downloaded: %w", o.URL, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s cannot be downloaded: the server answers %s", o.URL, response.Status)
	}
	total := response.ContentLength
	if total > maxArchive {
		return 0, fmt.Errorf("%s has %d bytes, more than the %d that EMNIST's archive may have", o.URL, total, int64(maxArchive))
	}
	first := make([]byte, 4)
	n, err := io.ReadFull(response.Body, first)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, fmt.Errorf("%s cannot be downloaded: %w", o.URL, err)
	}
	if zipMagic := []byte("PK\x03\x04"); !bytes.Equal(first[:n], zipMagic) {
		return 0, fmt.Errorf("%s is no zip archive: it begins with %q, want %q; perhaps a web page stands in its place (the content type is %q)",
			o.URL, first[:n], zipMagic, response.Header.Get("Content-Type"))
	}
	sum := md5.New()
	body := io.LimitReader(io.MultiReader(bytes.NewReader(first), response.Body), maxArchive+1)
	done, err := io.Copy(io.MultiWriter(w, sum, &counter{total: total, report: o.Progress}), body)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, fmt.Errorf("%s broke off after %d of %d bytes: try again (%w)", o.URL, done, total, err)
	case err != nil:
		return 0, fmt.Errorf("%s cannot be downloaded past byte %d: %w", o.URL, done, err)
	case done > maxArchive:
		return 0, fmt.Errorf("%s has more than the %d bytes that EMNIST's archive may have", o.URL, int64(maxArchive))
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != o.MD5 {
		return 0, fmt.Errorf("%s has md5 %s, want %s: it is damaged or was changed, try again", o.URL, got, o.MD5)
	}
	return done, nil
}

// counter reports how much was written to it.
type counter struct {
	done, total int64
	report      func(done, total int64)
}

func (c *counter) Write(p []byte) (int, error) {
	c.done += int64(len(p))
	if c.report != nil {
		c.report(c.done, c.total)
	}
	return len(p), nil
}

// extract puts the four files of a split into the folder. It reads all of them
// through before it writes the first.
func extract(ctx context.Context, archive io.ReaderAt, size int64, s split, o DownloadOptions) error {
	members, err := zip.NewReader(archive, size)
	if err != nil {
		return fmt.Errorf("%s cannot be unpacked: %w", o.URL, err)
	}
	for _, part := range []string{"train", "test"} {
		images, labels := s.files(part)
		imageCount, err := checkMember(ctx, members, images, idx.CheckImages)
		if err != nil {
			return fmt.Errorf("%s is not usable: %w", o.URL, err)
		}
		labelCount, err := checkMember(ctx, members, labels, idx.CheckLabels)
		if err != nil {
			return fmt.Errorf("%s is not usable: %w", o.URL, err)
		}
		if imageCount != labelCount {
			return fmt.Errorf("%s is not usable: it has %d images to %s with, but %d labels", o.URL, imageCount, part, labelCount)
		}
	}
	for _, name := range s.allFiles() {
		err := readMember(ctx, members, name, func(r io.Reader) error {
			return atomicfile.Write(filepath.Join(o.Dir, name+".gz"), func(w io.Writer) error {
				_, err := io.Copy(w, r)
				return err
			})
		})
		if err != nil {
			return fmt.Errorf("%s cannot be unpacked: %w", o.URL, err)
		}
	}
	return nil
}

// checkMember reads a file of the archive to its end and returns how many
// pictures or labels it has.
func checkMember(ctx context.Context, members *zip.Reader, name string, check func(io.Reader) (int, error)) (count int, err error) {
	err = readMember(ctx, members, name, func(r io.Reader) error {
		if count, err = check(r); err != nil {
			return err
		}
		// Reading on to the end of the member is what makes the reader of
		// the zip compare its checksum.
		_, err = io.Copy(io.Discard, r)
		return err
	})
	return count, err
}

// readMember opens a file of the archive for read.
func readMember(ctx context.Context, members *zip.Reader, name string, read func(io.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	member := "gzip/" + name + ".gz"
	r, err := members.Open(member)
	if err != nil {
		return fmt.Errorf("the archive has no %s: %w", member, err)
	}
	defer r.Close()
	if err := read(r); err != nil {
		return fmt.Errorf("%s: %w", member, err)
	}
	return nil
}
