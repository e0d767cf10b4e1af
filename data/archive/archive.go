// Package archive opens zip archives as folders, so that a data set need not be
// unpacked, within limits: an archive that was made to unpack to far more than it
// is gets refused before anything in it is read.
package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"inkling/internal/wording"
)

const (
	// mostRatio and free bound what may come out of an archive: so many times
	// its size, and a little more. Pictures shrink little, tables of pixels to a
	// tenth.
	mostRatio = 100
	free      = 64 << 20

	encrypted = 1 // a member's flag
)

// OpenZip returns the files of a zip archive of size bytes. It is an error if a
// member is encrypted or compressed in another way than by deflate, if members
// share bytes, or if all together declare to be far more than the archive. What a
// member has more than it declares is not read.
func OpenZip(r io.ReaderAt, size int64) (fs.FS, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("it is no whole zip archive (%v): it was cut short while it was downloaded or copied; get it again", err)
	}
	if len(z.File) == 0 {
		return nil, errors.New("the archive is empty")
	}
	packed, unpacked := uint64(0), uint64(0)
	for _, f := range z.File {
		switch {
		case f.Flags&encrypted != 0:
			return nil, fmt.Errorf("%.100q in it is encrypted: unpack the archive, and give the folder", f.Name)
		case f.Method != zip.Store && f.Method != zip.Deflate:
			return nil, fmt.Errorf("%.100q in it is compressed in a way that is not read (method %d): unpack the archive, and give the folder", f.Name, f.Method)
		case f.CompressedSize64 > uint64(size) || f.UncompressedSize64 > 1<<50:
			return nil, fmt.Errorf("%.100q in it declares more bytes than the archive has: it is damaged", f.Name)
		}
		packed += f.CompressedSize64
		unpacked += f.UncompressedSize64
	}
	if packed > uint64(size) {
		return nil, errors.New("its members share bytes: it was made to deceive")
	}
	if unpacked > mostRatio*uint64(size)+free {
		return nil, fmt.Errorf("its %s unpack to %d, which is more than pictures do: unpack it, and give the folder", wording.Number(size, "byte"), unpacked)
	}
	return z, nil
}
