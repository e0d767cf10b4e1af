package emnist

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"inkling/data/download"
	"inkling/data/idx"
	"inkling/data/published"
	"inkling/internal/wording"
)

const (
	// ArchiveURL is where NIST publishes EMNIST: 536 MB with all splits.
	ArchiveURL = "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip"

	// ArchiveMD5 is the published sum of that archive, as torchvision has it.
	ArchiveMD5 = "58c8d27c78d21e728a6bc7b3cc06412e"
)

// DownloadOptions says what Download gets, and from where.
type DownloadOptions struct {
	// Split is the split whose four files are kept.
	Split string

	// Dir is the folder to keep them in. Empty means that of
	// published.CacheDir("emnist").
	Dir string

	// URL is the archive and MD5 its sum in hexadecimal digits. Empty means
	// ArchiveURL and ArchiveMD5.
	URL, MD5 string

	// Transfer says how to get it.
	Transfer download.Options
}

// Download gets the four files of a split out of EMNIST's archive, gzipped as
// they are published, and puts them into the cache after each was read to its
// end and found whole. Nothing else of the archive is read if the server knows
// ranges, as NIST's does; else the whole archive comes, and is removed again.
// Files that are there and whole are not asked for. What a download that broke
// off has brought is kept, and the next one takes it up.
func Download(ctx context.Context, o DownloadOptions) error {
	s, err := findSplit(o.Split)
	if err != nil {
		return err
	}
	if o.Dir == "" {
		if o.Dir, err = published.CacheDir("emnist"); err != nil {
			return err
		}
	}
	if o.URL == "" {
		o.URL = ArchiveURL
	}
	if o.MD5 == "" {
		o.MD5 = ArchiveMD5
	}
	archive := download.File{URLs: []string{o.URL}, MD5: o.MD5}
	return download.Members(ctx, archive, s.members(o.Dir), o.Transfer)
}

// members are the four files of a split in the archive. Labels are compared in
// number with the images, which are checked before them.
func (s split) members(dir string) []download.Member {
	var all []download.Member
	for _, part := range []string{"train", "test"} {
		images, labels := s.files(part)
		count := 0
		add := func(name string, check func(io.Reader) error) {
			all = append(all, download.Member{Name: "gzip/" + name + ".gz", Path: filepath.Join(dir, name+".gz"), Check: check})
		}
		add(images, func(r io.Reader) (err error) {
			count, err = idx.CheckImages(r)
			return err
		})
		add(labels, func(r io.Reader) error {
			n, err := idx.CheckLabels(r)
			if err == nil && n != count {
				err = fmt.Errorf("it has %s for %s to %s with", wording.Number(n, "label"), wording.Number(count, "image"), part)
			}
			return err
		})
	}
	return all
}
