package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
)

// The work that a JPEG file may ask for. A file of a few kilobytes can visit all of
// a large picture thousands of times, a scan of some bytes each, and the decoder
// does so until the end; libjpeg-turbo's tools have -maxscans against that. What
// encoders write has 10 scans, most of them of one channel and a part of its
// frequencies.
const (
	// mostScans is how many scans a progressive picture may have.
	mostScans = 100
	// progressiveVisits and sequentialVisits are how often its samples may be
	// visited; of a small picture they may be visited more often.
	progressiveVisits, sequentialVisits = 24, 2
	smallProgressive, smallSequential   = 64 << 20, 1 << 20
)

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	markerSOF0, markerSOF1, markerSOF2 = 0xc0, 0xc1, 0xc2 // baseline, extended, progressive
	markerRST0, markerRST7             = 0xd0, 0xd7
	markerEOI, markerSOS               = 0xd9, 0xda
	markerAPP0, markerAPP1             = 0xe0, 0xe1
	markerAPP14                        = 0xee
)

// A jpegComponent is a channel of a frame.
type jpegComponent struct {
	id   byte
	h, v int // how many blocks of a unit are its own, across and down
}

// A jpegFrame is what the segments of a JPEG file say.
type jpegFrame struct {
	width, height int
	progressive   bool
	adobe         bool
	components    []jpegComponent
	units         int64 // minimum coded units
	scans         int
	samples       int64 // of the picture
	visits        int64 // of samples, in all scans
	stops         []int // where scans begin
	orientation   int
}

// readJPEG walks over all segments and scans as the decoder will, without
// decoding: between the scans and in them both skip to the next marker.
func readJPEG(file []byte) (*jpegFrame, error) {
	f := &jpegFrame{orientation: 1}
	for at := 2; ; {
		next := bytes.IndexByte(file[min(at, len(file)):], 0xff)
		if next < 0 || at+next+1 >= len(file) {
			break // it ends too early, which the decoder finds out
		}
		at += next + 1
		marker := file[at]
		switch {
		case marker == 0xff: // fill
			continue
		case marker == 0, marker >= markerRST0 && marker <= markerRST7:
			at++
			continue
		case marker == markerEOI:
			return f, f.check()
		}
		at++
		if at+2 > len(file) {
			break
		}
		end := at + int(binary.BigEndian.Uint16(file[at:]))
		if end < at+2 || end > len(file) {
			break
		}
		content := file[at+2 : end]
		at = end
		if err := f.segment(marker, content, at); err != nil {
			return nil, err
		}
	}
	return f, f.check()
}

// segment takes note of a segment that ends at some place of the file.
func (f *jpegFrame) segment(marker byte, content []byte, end int) error {
	switch marker {
	case markerSOF0, markerSOF1, markerSOF2:
		if f.components == nil {
			return f.frame(content, marker == markerSOF2)
		}
	case markerSOS:
		f.scan(content)
		f.stops = append(f.stops, end)
	case markerAPP1:
		if exif, found := bytes.CutPrefix(content, []byte("Exif\x00\x00")); found && f.orientation == 1 {
			if d, err := openDirectory(exif); err == nil {
				f.orientation = d.orientation()
			}
		}
	case markerAPP14:
		f.adobe = f.adobe || len(content) >= 12 && string(content[:5]) == "Adobe"
	}
	return nil
}

// frame reads the header of a frame (section B.2.2).
func (f *jpegFrame) frame(content []byte, progressive bool) error {
	if len(content) < 6 || len(content) != 6+3*int(content[5]) {
		return errors.New("the header of its frame has a wrong length")
	}
	f.progressive = progressive
	f.height, f.width = int(binary.BigEndian.Uint16(content[1:])), int(binary.BigEndian.Uint16(content[3:]))
	acrossMost, downMost, blocks := 1, 1, 0
	for c := content[6:]; len(c) > 0; c = c[3:] {
		component := jpegComponent{c[0], int(c[1] >> 4), int(c[1] & 15)}
		if component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4 {
			return errors.New("the header of its frame has sampling factors that the format does not allow")
		}
		f.components = append(f.components, component)
		acrossMost, downMost = max(acrossMost, component.h), max(downMost, component.v)
		blocks += component.h * component.v
	}
	if len(f.components) == 1 { // its factors mean nothing
		f.components[0].h, f.components[0].v = 1, 1
		acrossMost, downMost, blocks = 1, 1, 1
	}
	f.units = int64((f.width+8*acrossMost-1)/(8*acrossMost)) * int64((f.height+8*downMost-1)/(8*downMost))
	f.samples = f.units * int64(blocks) * 64
	return nil
}

// scan counts a scan (section B.2.3).
func (f *jpegFrame) scan(content []byte) {
	f.scans++
	if len(content) == 0 {
		return
	}
	for c := content[1:]; len(c) >= 2 && len(c) > len(content)-1-2*int(content[0]); c = c[2:] {
		for _, component := range f.components {
			if component.id == c[0] {
				f.visits += f.units * int64(component.h*component.v) * 64
			}
		}
	}
}

func (f *jpegFrame) check() error {
	if f.components == nil {
		return errors.New("it has no frame that can be read")
	}
	often, small := int64(sequentialVisits), int64(smallSequential)
	if f.progressive {
		often, small = progressiveVisits, smallProgressive
	}
	if f.scans > mostScans || f.visits > max(often*f.samples, small) {
		return errorf(TooLarge, "JPEG", "has its %dx%d pixels in %d scans, which is more than any encoder writes: save it again as an ordinary JPEG", f.width, f.height, f.scans)
	}
	return nil
}

func headJPEG(file []byte, h *Head) error {
	f, err := readJPEG(file)
	if err != nil {
		var ours *Error
		// Rare kinds have no frame of the usual ones; the decoder names them.
		if _, other := jpeg.DecodeConfig(bytes.NewReader(file)); other != nil && !errors.As(err, &ours) {
			return other
		}
		return err
	}
	h.Width, h.Height, h.Orientation = f.width, f.height, f.orientation
	h.Gray = len(f.components) == 1
	h.stops = f.stops
	h.Work = f.visits
	h.Memory = f.samples
	if f.progressive {
		h.Memory += 4 * f.samples // all coefficients, until the last scan has come
		h.Work += f.samples
		h.hint = ", or save it not progressively"
	}
	if len(f.components) == 4 || len(f.components) == 3 && f.components[0].id == 'R' || f.adobe {
		h.Memory += 4 * int64(f.width) * int64(f.height) // is converted
	}
	return nil
}

// decodeJPEG decodes a JPEG file. Go's decoder takes four channels only behind a
// note by Adobe, whose programs store them inverted; without it they are stored as
// they are.
func decodeJPEG(s *source, file []byte) (image.Image, error) {
	f, err := readJPEG(file)
	if err != nil {
		return nil, err
	}
	if len(f.components) != 4 || f.adobe {
		return jpeg.Decode(s)
	}
	note := append([]byte{0xff, 0xd8, 0xff, markerAPP14, 0, 14}, "Adobe\x00\x64\x00\x00\x00\x00\x00"...)
	s.at = 2
	img, err := jpeg.Decode(io.MultiReader(bytes.NewReader(note), s))
	if err != nil {
		return nil, err
	}
	cmyk, ok := img.(*image.CMYK)
	if !ok {
		return nil, fmt.Errorf("four channels became %T", img)
	}
	for i, v := range cmyk.Pix {
		cmyk.Pix[i] = 255 - v
	}
	return cmyk, nil
}
