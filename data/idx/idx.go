// Package idx reads and writes the file format of MNIST and of the data sets
// made in its image: EMNIST, Fashion-MNIST, KMNIST, QMNIST.
//
// An idx file is a magic number of four bytes (two zeros, the type of the
// elements, the number of dimensions), the dimensions as big-endian unsigned
// 32-bit numbers, and the elements, the last dimension running fastest. Here the
// elements are unsigned bytes (type 8), in three dimensions (pictures, rows,
// columns) for images and one for labels. The format is described on Yann
// LeCun's page of MNIST, http://yann.lecun.com/exdb/mnist/.
//
// Files may be gzipped, as they are published; the readers look at the content,
// not at the name.
//
// # Memory
//
// The readers do not trust a declared size. The size of the input is found out
// first, by seeking if the input can seek and by keeping what it gives otherwise,
// and only then is memory taken for what the header declares: exactly the rest
// of a plain file, or at most 6 times a gzipped file's size plus 512 KiB (MNIST
// is 4.7 times as large as its gzip). So reading takes at most 8 times the
// input's size plus 1 MB, whatever the input says. A file that is packed more
// tightly is refused; unpacked with gunzip it is read.
package idx

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"inkling/data/internal/files"
	"inkling/internal/wording"
)

// MaxElements is the number of elements that the readers accept at most. It is
// what an int holds on every machine; EMNIST's largest file has a quarter of it.
const MaxElements = math.MaxInt32

// maxUnpacked is the size that a gzipped input of the given size may unpack to.
func maxUnpacked(size int64) int64 { return 6*size + 512<<10 }

const (
	unsignedByte = 8
	integer      = 0x0c // of 32 bits
	imagesRank   = 3
	labelsRank   = 1
	tableRank    = 2
)

// magicOf returns the magic number of a file with so many dimensions: tables
// have integers, all others bytes.
func magicOf(rank int) uint32 {
	if rank == tableRank {
		return integer<<8 | tableRank
	}
	return uint32(unsignedByte<<8 | rank)
}

// Images is the content of an idx file of pictures: Count pictures of Height
// rows and Width columns, one after another in Pixels, each row by row.
type Images struct {
	Count, Height, Width int
	Pixels               []byte
}

// ReadImages reads an idx file of pictures, gzipped or not, to its end. It fails
// when the file is not exactly what its header declares.
func ReadImages(r io.Reader) (*Images, error) {
	dims, pixels, err := readAll(r, imagesRank)
	if err != nil {
		return nil, err
	}
	return &Images{dims[0], dims[1], dims[2], pixels}, nil
}

// ReadLabels reads an idx file of labels, gzipped or not, to its end. It fails
// when the file is not exactly what its header declares.
func ReadLabels(r io.Reader) ([]byte, error) {
	_, labels, err := readAll(r, labelsRank)
	return labels, err
}

// CheckImages reads as [ReadImages] does, but keeps nothing: it returns only how
// many pictures there are. It takes no more memory than a few buffers.
func CheckImages(r io.Reader) (count int, err error) { return check(r, imagesRank) }

// CheckLabels reads as [ReadLabels] does, but keeps nothing: it returns only how
// many labels there are.
func CheckLabels(r io.Reader) (count int, err error) { return check(r, labelsRank) }

func readAll(r io.Reader, rank int) (dims []int, elements []byte, err error) {
	r, size, err := measure(r)
	if err != nil {
		return nil, nil, err
	}
	content, packed, err := unpack(r)
	if err != nil {
		return nil, nil, err
	}
	dims, n, err := readHeader(content, rank)
	if err != nil {
		return nil, nil, err
	}
	declared := int64(headerSize(rank)) + int64(n)
	switch {
	case packed && declared > maxUnpacked(size):
		return nil, nil, fmt.Errorf("it declares %s = %d elements, which is more than the %d bytes of gzip can be trusted with: "+
			"if the file is genuine, unpack it with gunzip first", times(dims), n, size)
	case !packed && declared > size:
		return nil, nil, cutOff(dims, n, max(0, size-int64(headerSize(rank))), io.ErrUnexpectedEOF)
	case !packed && declared < size:
		return nil, nil, trailing(dims, n)
	}
	elements = make([]byte, n)
	if got, err := io.ReadFull(content, elements); err != nil {
		return nil, nil, readError(dims, n, int64(got), err)
	}
	return dims, elements, expectEnd(content, dims, n)
}

func check(r io.Reader, rank int) (count int, err error) {
	counted := &files.Counter{R: r}
	content, packed, err := unpack(counted)
	if err != nil {
		return 0, err
	}
	if packed {
		// How large the file is, is not known. Its parts may be packed more
		// tightly than all of it.
		content = &files.Unpacked{R: content, Packed: counted, Times: 20, Free: 1 << 20}
	}
	dims, n, err := readHeader(content, rank)
	if err != nil {
		return 0, err
	}
	if got, err := io.CopyN(io.Discard, content, int64(n)); err != nil {
		return 0, readError(dims, n, got, err)
	}
	return dims[0], expectEnd(content, dims, n)
}

// measure finds the size of what r gives from here to its end, and returns a
// reader of the same.
func measure(r io.Reader) (io.Reader, int64, error) {
	if s, ok := r.(io.Seeker); ok {
		// A pipe has the method too, and fails.
		if here, err := s.Seek(0, io.SeekCurrent); err == nil {
			end, err := s.Seek(0, io.SeekEnd)
			if err == nil {
				_, err = s.Seek(here, io.SeekStart)
			}
			if err != nil {
				return nil, 0, fmt.Errorf("its size cannot be found out: %w", err)
			}
			return r, end - here, nil
		}
	}
	// Every part is as large as all before it, so together they are never more
	// than twice the input (and 32 KiB), and nothing is copied.
	var parts []io.Reader
	size := 0
	for {
		part := make([]byte, max(size, 32<<10))
		n, err := io.ReadFull(r, part)
		parts = append(parts, bytes.NewReader(part[:n]))
		size += n
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return io.MultiReader(parts...), int64(size), nil
		case err != nil:
			return nil, 0, fmt.Errorf("it cannot be read past byte %d: %w", size, err)
		case size > MaxElements:
			return nil, 0, fmt.Errorf("it has more than %s, the most that is accepted", wording.Number(MaxElements, "byte"))
		}
	}
}

// unpack looks at the first bytes of r and undoes gzip if they say so.
func unpack(r io.Reader) (content io.Reader, packed bool, err error) {
	plain := bufio.NewReaderSize(r, 32<<10)
	first, err := plain.Peek(512)
	if err != nil && err != io.EOF {
		return nil, false, fmt.Errorf("it cannot be read: %w", err)
	}
	switch {
	case len(first) == 0:
		return nil, false, errors.New("it is empty: download it again")
	case isPage(first):
		return nil, false, errors.New("it is a web page and not idx data: look at it to see what the server had to say, then download the file again")
	case !isGzip(first):
		return plain, false, nil
	}
	unzipped, err := gzip.NewReader(plain)
	if err != nil {
		return nil, false, fmt.Errorf("it begins as gzip, but the gzip header is damaged or cut off: download it again (%w)", err)
	}
	inner := bufio.NewReaderSize(unzipped, 32<<10)
	first, err = inner.Peek(512)
	switch {
	case err != nil && err != io.EOF:
		// The reader of the header meets it again, at its place.
	case isGzip(first):
		return nil, false, errors.New("it is gzipped twice: unpack it once with gunzip")
	case isPage(first):
		return nil, false, errors.New("it is a gzipped web page and not idx data: download the file again")
	}
	return inner, true, nil
}

func isGzip(first []byte) bool { return bytes.HasPrefix(first, []byte{0x1f, 0x8b}) }

func isPage(first []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(first), []byte("<")) }

func headerSize(rank int) int { return 4 + 4*rank }

// readHeader reads magic number and dimensions and returns these and their
// product.
func readHeader(r io.Reader, rank int) (dims []int, n int, err error) {
	header := make([]byte, headerSize(rank))
	got, err := io.ReadFull(r, header)
	// A wrong magic number says more than a header that ends early.
	if got >= 4 {
		if err := checkMagic(header[:4], rank); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, 0, fmt.Errorf("it ends at byte %d, inside the header of %s: it is cut off, download it again (%w)", got, wording.Number(len(header), "byte"), io.ErrUnexpectedEOF)
	case err != nil:
		return nil, 0, fmt.Errorf("its header cannot be read: it is damaged, download it again (%w)", err)
	}
	dims = make([]int, rank)
	product := uint64(1)
	for i := range dims {
		d := binary.BigEndian.Uint32(header[4+4*i:])
		if d == 0 {
			return nil, 0, fmt.Errorf("dimension %d at offset %d is 0, want at least 1: a file without elements is of no use", i, 4+4*i)
		}
		// Below 2^31 so far and below 2^32 now: the product cannot overflow.
		product *= uint64(d)
		if product > MaxElements {
			return nil, 0, fmt.Errorf("dimension %d at offset %d is %d, which makes more than the %s accepted: the header is damaged", i, 4+4*i, d, wording.Number(MaxElements, "element"))
		}
		dims[i] = int(d)
	}
	return dims, int(product), nil
}

// checkMagic compares the first four bytes with what they should be.
func checkMagic(magic []byte, rank int) error {
	got, want := binary.BigEndian.Uint32(magic), magicOf(rank)
	if got == want {
		return nil
	}
	names := map[int]string{imagesRank: "images", labelsRank: "labels"}
	types := map[byte]string{0x09: "signed bytes", 0x0b: "16-bit integers", 0x0c: "32-bit integers", 0x0d: "32-bit floats", 0x0e: "64-bit floats"}
	why := "this is no idx file"
	if magic[0] == 0 && magic[1] == 0 {
		other, isRank := names[int(magic[3])]
		switch kind, isType := types[magic[2]]; {
		case rank == tableRank:
			why = "this is no table of 32-bit integers"
		case isType:
			why = fmt.Sprintf("its elements are %s, and only unsigned bytes are read", kind)
		case magic[2] != unsignedByte:
			why = fmt.Sprintf("element type %#02x does not exist", magic[2])
		case isRank && int(magic[3]) != rank:
			why = fmt.Sprintf("this is a file of %s: perhaps two files are exchanged", other)
		case int(magic[3]) != rank:
			why = fmt.Sprintf("it has %s instead of %d", wording.Number(magic[3], "dimension"), rank)
		}
	}
	return fmt.Errorf("the magic number at offset 0 is %#08x, want %#08x for %s: %s", got, want, cmp.Or(names[rank], "a table"), why)
}

// expectEnd fails unless r ends here. It is also what makes gzip compare its
// checksum and length.
func expectEnd(r io.Reader, dims []int, n int) error {
	got, err := io.ReadFull(r, make([]byte, 1))
	switch {
	case got > 0:
		return trailing(dims, n)
	case err != io.EOF:
		return readError(dims, n, int64(n), err)
	}
	return nil
}

func trailing(dims []int, n int) error {
	return fmt.Errorf("it goes on after the %s = %s that it declares: it is damaged or two files were joined", times(dims), wording.Number(n, "element"))
}

func cutOff(dims []int, n int, got int64, cause error) error {
	return fmt.Errorf("it ends after %d of the %s = %s that it declares: it is cut off, download it again (%w)", got, times(dims), wording.Number(n, "element"), cause)
}

// readError says why the elements could not be read.
func readError(dims []int, n int, got int64, err error) error {
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return cutOff(dims, n, got, io.ErrUnexpectedEOF)
	case errors.Is(err, gzip.ErrChecksum):
		return fmt.Errorf("its content does not fit gzip's checksum and length: it is damaged, download it again (%w)", err)
	case errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("other bytes follow the end of the gzip data: it is damaged, download it again (%w)", err)
	}
	return fmt.Errorf("it cannot be read past element %d of %d: %w", got, n, err)
}

// times writes the dimensions as a product.
func times(dims []int) string {
	s := fmt.Sprint(dims[0])
	for _, d := range dims[1:] {
		s += fmt.Sprintf("x%d", d)
	}
	return s
}
