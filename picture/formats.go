package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// A format is one that is read: how it is known, what its head says, how it is
// decoded.
type format struct {
	name, title string
	signatures  []string // a ? is any byte
	// head sets the stored size, and what is known of orientation, memory and work.
	head   func(file []byte, h *Head) error
	decode func(s *source, file []byte) (image.Image, error)
}

var formats = []*format{
	{"png", "PNG", []string{"\x89PNG\r\n\x1a\n"}, headPNG, func(s *source, _ []byte) (image.Image, error) { return png.Decode(s) }},
	{"jpeg", "JPEG", []string{"\xff\xd8"}, headJPEG, decodeJPEG},
	{"gif", "GIF", []string{"GIF87a", "GIF89a"}, headGIF, decodeGIF},
	{"bmp", "BMP", []string{"BM????\x00\x00\x00\x00"}, headBMP, func(s *source, _ []byte) (image.Image, error) { return bmp.Decode(s) }},
	{"tiff", "TIFF", []string{"II*\x00", "MM\x00*"}, headTIFF, func(s *source, _ []byte) (image.Image, error) { return tiff.Decode(readerAt{s}) }},
	{"webp", "WebP", []string{"RIFF????WEBPVP8"}, headWebP, decodeWebP},
}

// Names lists the names of all formats.
func Names() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Is tells whether a file begins as one of the formats that are read, or as one
// of a picture that is not.
func Is(file []byte) bool {
	if sniff(file) != nil {
		return true
	}
	_, isPicture := foreign(file)
	return isPicture
}

func sniff(file []byte) *format {
	for _, f := range formats {
		if slices.ContainsFunc(f.signatures, func(s string) bool { return begins(file, s) }) {
			return f
		}
	}
	return nil
}

func begins(file []byte, signature string) bool {
	if len(file) < len(signature) {
		return false
	}
	for i := range len(signature) {
		if signature[i] != '?' && signature[i] != file[i] {
			return false
		}
	}
	return true
}

// foreignFormats are formats that people have and that are not read.
var foreignFormats = []struct {
	signature, title string
	picture          bool
}{
	{"????ftypheic", "a HEIC picture", true},
	{"????ftypheix", "a HEIC picture", true},
	{"????ftyphevc", "a HEIC picture", true},
	{"????ftypheim", "a HEIC picture", true},
	{"????ftypmif1", "a HEIC picture", true},
	{"????ftypmsf1", "a HEIC picture", true},
	{"????ftypavif", "an AVIF picture", true},
	{"????ftypavis", "an AVIF picture", true},
	{"????ftypcrx ", "a raw picture of a camera (CR3)", true},
	{"????ftyp", "a video", false},
	{"\xff\x0a", "a JPEG XL picture", true},
	{"\x00\x00\x00\x0cJXL ", "a JPEG XL picture", true},
	{"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture", true},
	{"\xff\x4f\xff\x51", "a JPEG 2000 picture", true},
	{"\x00\x00\x01\x00", "an ICO picture", true},
	{"8BPS", "a Photoshop picture (PSD)", true},
	{"gimp xcf", "a GIMP picture (XCF)", true},
	{"II+\x00", "a BigTIFF picture", true},
	{"MM\x00+", "a BigTIFF picture", true},
	{"%PDF-", "a PDF", true},
	{"%!PS", "a PostScript picture", true},
	{"P1\n", "a PBM picture", true}, {"P2\n", "a PGM picture", true}, {"P3\n", "a PPM picture", true},
	{"P4\n", "a PBM picture", true}, {"P5\n", "a PGM picture", true}, {"P6\n", "a PPM picture", true},
	{"RIFF????WEBP", "a WebP picture without a frame", true},
	{"PK\x03\x04", "a zip archive", false},
	{"\x1f\x8b", "a gzip archive", false},
}

// foreign names what a file of another format is, and tells whether that is one of
// pictures. The name is empty if it is not known.
func foreign(file []byte) (title string, isPicture bool) {
	for _, f := range foreignFormats {
		if begins(file, f.signature) {
			return f.title, f.picture
		}
	}
	head := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(file[:min(len(file), 1024)], []byte("\xef\xbb\xbf")), " \t\r\n")))
	switch {
	case strings.HasPrefix(head, "<") && strings.Contains(head, "<svg"):
		return "an SVG drawing", true
	case strings.HasPrefix(head, "<!doctype html"), strings.HasPrefix(head, "<html"):
		return "a page of HTML", false
	case strings.HasPrefix(head, "version https://git-lfs"):
		return "a pointer of Git LFS in place of the file", false
	}
	return "", false
}

// unsupported tells whether an error of a decoder is about a form of its format
// that it does not know, and which one that is.
func unsupported(err error, text string) (what string, is bool) {
	var ofPNG png.UnsupportedError
	var ofJPEG jpeg.UnsupportedError
	var ofTIFF tiff.UnsupportedError
	switch {
	case errors.As(err, &ofPNG):
		return string(ofPNG), true
	case errors.As(err, &ofJPEG):
		if what := string(ofJPEG); what != "unknown marker" {
			return what, true
		}
		return "arithmetic coding, lossless or another rare kind", true
	case errors.As(err, &ofTIFF):
		return string(ofTIFF), true
	case errors.Is(err, bmp.ErrUnsupported):
		return "compressed, or of 16 bits a pixel", true
	}
	return "", false
}

// headPNG reads the chunks (W3C, Portable Network Graphics): the header, and
// whether there are transparency and EXIF, which may come behind the picture.
func headPNG(file []byte, h *Head) error {
	const header = 8 + 8 + 13 // the signature, length and name, IHDR
	if len(file) < header {
		return io.ErrUnexpectedEOF
	}
	if string(file[12:16]) != "IHDR" {
		return errors.New("it does not begin with its header, IHDR")
	}
	width, height := binary.BigEndian.Uint32(file[16:]), binary.BigEndian.Uint32(file[20:])
	if max(width, height) > 1<<31-1 {
		return errors.New("its size is no number that the format allows")
	}
	h.Width, h.Height = int(width), int(height)
	depth, kind, interlaced := file[24], file[25], file[28] == 1
	transparent := false
	for at := 8; at+12 <= len(file); {
		length := int64(binary.BigEndian.Uint32(file[at:]))
		content := file[at+8:]
		if length > int64(len(content)) {
			break // the decoder says it
		}
		content = content[:length]
		switch string(file[at+4 : at+8]) {
		case "tRNS":
			transparent = true
		case "eXIf":
			if d, err := openDirectory(content); err == nil {
				h.Orientation = d.orientation()
			}
		}
		at += 12 + int(length)
	}
	const gray, palette, grayAlpha = 0, 3, 4
	h.Gray = kind == gray || kind == grayAlpha
	each := int64(4)
	if kind == palette || kind == gray && !transparent {
		each = 1
	}
	if depth == 16 {
		each *= 2
	}
	h.Work = int64(width) * int64(height)
	h.Memory = each * h.Work
	if interlaced {
		h.Memory += h.Memory / 2 // the last pass has half of the pixels
		h.Work *= 2
	}
	h.hint = ", or save it with 8 bits a channel"
	return nil
}

func headGIF(file []byte, h *Head) error {
	c, err := gif.DecodeConfig(bytes.NewReader(file))
	h.Width, h.Height = c.Width, c.Height
	h.Work = int64(c.Width) * int64(c.Height)
	h.Memory = (1 + 4) * h.Work // the frame, and the screen that it lies on
	return err
}

// decodeGIF decodes the first frame and puts it on the screen: it may be smaller.
func decodeGIF(s *source, file []byte) (image.Image, error) {
	frame, err := gif.Decode(s)
	if err != nil {
		return nil, err
	}
	c, err := gif.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return onScreen(frame, image.Rect(0, 0, c.Width, c.Height)), nil
}

// headBMP also looks whether the file has all of its pixels, which are not
// compressed: else a few bytes could ask for much.
func headBMP(file []byte, h *Head) error {
	c, err := bmp.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return err
	}
	h.Width, h.Height = c.Width, c.Height
	bits := int64(binary.LittleEndian.Uint16(file[28:]))
	if stride := (int64(c.Width)*bits + 31) / 32 * 4; stride > 0 && int64(c.Height) > int64(len(file))/stride {
		return io.ErrUnexpectedEOF
	}
	each := int64(4)
	if bits <= 8 {
		each = 1
	}
	h.Work = int64(c.Width) * int64(c.Height)
	h.Memory = each * h.Work
	return nil
}

// headTIFF looks at the first directory. What its strips or tiles ask for is
// bounded by the source, which is not read again and again.
func headTIFF(file []byte, h *Head) error {
	c, err := tiff.DecodeConfig(readerAt{newSource(context.Background(), file, nil)})
	if err != nil {
		return err
	}
	d, err := openDirectory(file)
	if err != nil {
		return err
	}
	h.Width, h.Height, h.Orientation = c.Width, c.Height, d.orientation()
	const (
		tagBits, tagPhotometric, tagRows   = 258, 262, 278
		tagTileWidth, tagTileHeight, whole = 322, 323, 1 << 31
	)
	photometric := d.value(tagPhotometric, 0)
	h.Gray = photometric <= 1
	each := int64(1)
	if photometric == 2 {
		each = 4
	}
	if d.value(tagBits, 1) == 16 {
		each *= 2
	}
	// A strip or tile is unpacked as a whole, into eight bytes a pixel at most, in
	// a buffer that is doubled as it fills.
	block := int64(c.Width) * min(int64(d.value(tagRows, whole)), int64(c.Height))
	if across := int64(d.value(tagTileWidth, 0)); across > 0 {
		block = across * int64(d.value(tagTileHeight, 0))
	}
	h.Work = int64(c.Width) * int64(c.Height)
	h.Memory = each*h.Work + 16*block
	h.hint = ", or save it in strips, with 8 bits a channel"
	return nil
}
