package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"
	"io"
	"slices"

	"golang.org/x/image/webp"
)

// A webpFile is what the chunks of a WebP file say
// (https://developers.google.com/speed/webp/docs/riff_container).
type webpFile struct {
	canvas      image.Point // 0, 0 if the file has no extended header
	animated    bool
	frame       [][]byte    // the chunks of the picture, of the first one if animated
	at          image.Point // where on the canvas that lies
	lossless    bool
	alpha       bool
	size        int // bytes of the frame's data
	orientation int
}

// chunks calls see with the name and the content of every chunk, and the whole of
// it, until it returns an error.
func chunks(list []byte, see func(name string, content, whole []byte) error) error {
	for len(list) >= 8 {
		length := int64(binary.LittleEndian.Uint32(list[4:]))
		end := 8 + length
		if end > int64(len(list)) {
			return io.ErrUnexpectedEOF
		}
		if err := see(string(list[:4]), list[8:end], list[:end]); err != nil {
			return err
		}
		list = list[min(end+length%2, int64(len(list))):]
	}
	return nil
}

func number24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func readWebP(file []byte) (*webpFile, error) {
	w := &webpFile{orientation: 1}
	if len(file) < 20 {
		return nil, io.ErrUnexpectedEOF
	}
	take := func(name string, content, whole []byte) error {
		if len(w.frame) > 0 && name == "ALPH" || len(w.frame) > 1 || len(w.frame) == 1 && !w.alpha {
			return nil
		}
		switch name {
		case "ALPH":
			w.alpha = true
		case "VP8L":
			w.lossless = true
		case "VP8 ":
		default:
			return nil
		}
		w.frame = append(w.frame, whole)
		w.size += len(content)
		return nil
	}
	err := chunks(file[12:], func(name string, content, whole []byte) error {
		switch name {
		case "VP8X":
			const animation = 0x02
			if len(content) < 10 {
				return io.ErrUnexpectedEOF
			}
			w.animated = content[0]&animation != 0
			w.canvas = image.Pt(number24(content[4:])+1, number24(content[7:])+1)
		case "ANMF":
			if !w.animated || len(w.frame) > 0 {
				return nil
			}
			if len(content) < 16 {
				return io.ErrUnexpectedEOF
			}
			w.at = image.Pt(2*number24(content), 2*number24(content[3:]))
			return chunks(content[16:], take)
		case "EXIF":
			if d, err := openDirectory(bytes.TrimPrefix(content, []byte("Exif\x00\x00"))); err == nil {
				w.orientation = d.orientation()
			}
		default:
			if !w.animated {
				return take(name, content, whole)
			}
		}
		return nil
	})
	// Behind the picture something may be cut off; the decoder says what matters.
	if err != nil && (len(w.frame) == 0 || w.animated) {
		return nil, err
	}
	return w, nil
}

func headWebP(file []byte, h *Head) error {
	w, err := readWebP(file)
	if err != nil {
		return err
	}
	c, err := webp.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return err
	}
	h.Width, h.Height, h.Orientation = c.Width, c.Height, w.orientation
	pixels := int64(c.Width) * int64(c.Height)
	h.Work = pixels
	h.Memory = 2 * pixels // luminance and half of it for the colours, filters
	if w.alpha {
		h.Memory += 5 * pixels
	}
	if w.animated {
		h.Memory += 4 * pixels
	}
	if w.lossless {
		// Codes by Huffman for every part of the picture: at most 2,600 sets of
		// 80 kB, and no more than the bits of the file can describe.
		h.Memory = 4*pixels + min(2600*80<<10, 256*int64(w.size), 5<<10*(pixels/16+1))
	}
	return nil
}

// decodeWebP decodes a WebP file; of an animation, which the decoder does not know,
// the first frame, as a file of its own.
func decodeWebP(s *source, file []byte) (image.Image, error) {
	w, err := readWebP(file)
	if err != nil {
		return nil, err
	}
	if !w.animated {
		return webp.Decode(s)
	}
	if len(w.frame) == 0 {
		return nil, errors.New("the animation has no frame")
	}
	still := []byte("RIFF\x00\x00\x00\x00WEBP")
	if w.alpha && !w.lossless {
		// The extended header says that there is transparency, and the size,
		// which the frame's own header has, too.
		size, err := sizeVP8(w.frame[len(w.frame)-1])
		if err != nil {
			return nil, err
		}
		still = append(still, "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00"...)
		for _, side := range []int{size.X - 1, size.Y - 1} {
			still = append(still, byte(side), byte(side>>8), byte(side>>16))
		}
	}
	for _, chunk := range w.frame {
		still = append(still, chunk...)
		if len(chunk)%2 == 1 {
			still = append(still, 0)
		}
	}
	binary.LittleEndian.PutUint32(still[4:], uint32(len(still)-8))
	// The frame must lie on the canvas, whose size was looked at.
	c, err := webp.DecodeConfig(bytes.NewReader(still))
	if err != nil {
		return nil, err
	}
	canvas := image.Rectangle{Max: w.canvas}
	place := image.Rect(0, 0, c.Width, c.Height).Add(w.at)
	if !place.In(canvas) {
		return nil, errors.New("a frame of the animation lies outside of it")
	}
	frame, err := webp.Decode(newSource(s.ctx, still, nil))
	if err != nil || place == canvas {
		return frame, err
	}
	screen := image.NewNRGBA(canvas)
	draw.Draw(screen, place, frame, frame.Bounds().Min, draw.Src)
	return screen, nil
}

// sizeVP8 returns the size in the header of a frame (RFC 6386, section 9.1).
func sizeVP8(chunk []byte) (image.Point, error) {
	if len(chunk) < 8+10 || !slices.Equal(chunk[8+3:8+6], []byte{0x9d, 0x01, 0x2a}) {
		return image.Point{}, errors.New("a frame of the animation has no header")
	}
	number := func(b []byte) int { return int(binary.LittleEndian.Uint16(b)) & 0x3fff }
	return image.Pt(number(chunk[8+6:]), number(chunk[8+8:])), nil
}
