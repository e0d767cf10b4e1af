package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// files are pictures that other programs wrote: a seven, in dark ink unless the
// name says otherwise. testdata/make.py made them.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := fs.Glob(os.DirFS("testdata"), "*.*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if path.Ext(name) == ".py" {
			continue
		}
		if all[name], err = os.ReadFile("testdata/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func decode(t testing.TB, d *Decoder, file []byte) (image.Image, Head) {
	t.Helper()
	img, h, err := d.Decode(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	return img, h
}

// unlike is the share of pixels that are ink in one picture and not in the other.
func unlike(a, b *image.Gray) float64 {
	n := 0
	for i := range a.Pix {
		if (a.Pix[i] < 128) != (b.Pix[i] < 128) {
			n++
		}
	}
	return float64(n) / float64(len(a.Pix))
}

// Every form of every format shows the same seven, upright.
func TestFormats(t *testing.T) {
	d := NewDecoder(Own)
	all := files(t)
	want, _ := Gray(first(decode(t, d, all["sixteen-bits.png"])))
	formats := map[string]bool{}
	for name, file := range all {
		t.Run(name, func(t *testing.T) {
			img, h, err := d.Decode(context.Background(), file)
			if ending := path.Ext(name); ending == ".svg" || ending == ".ico" {
				var e *Error
				if !errors.As(err, &e) || e.Reason != Unknown || !strings.Contains(e.Error(), strings.ToUpper(ending[1:])) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			formats[h.Format] = true
			if size := img.Bounds().Size(); size != image.Pt(96, 96) || h.Width != 96 || h.Height != 96 {
				t.Fatalf("size %v, head %+v", size, h)
			}
			gray, opaque := Gray(img)
			flat, _ := Gray(Flat(img))
			if Vanishes(gray, opaque) != strings.HasPrefix(name, "white") {
				t.Errorf("vanishes on paper: %v", Vanishes(gray, opaque))
			}
			if strings.HasPrefix(name, "white") {
				for i, v := range flat.Pix {
					flat.Pix[i] = 255 - v
				}
			}
			// The thin edge of the ink may be on either side.
			if u := unlike(flat, want); u > 0.02 {
				t.Errorf("%.1f%% of the pixels are unlike", 100*u)
			}
			if strings.Contains(name, "turned") != (h.Orientation == 6) {
				t.Errorf("orientation %d", h.Orientation)
			}
			if _, _, err := d.Decode(context.Background(), file[:len(file)/2]); err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("cut in the middle: %v", err)
			}
		})
	}
	if len(formats) != len(Names()) {
		t.Errorf("formats seen: %v", formats)
	}
	if !d.Idle() {
		t.Error("memory is still held")
	}
}

func first[A, B any](a A, _ B) A { return a }

// pngHead is the beginning of a PNG file of any size and depth.
func pngHead(width, height uint32, depth, kind byte) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, depth, kind, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(header))
}

func bmpHead(width, height uint32, bits uint16) []byte {
	file := append([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00"), 40, 0, 0, 0)
	file = binary.LittleEndian.AppendUint32(file, width)
	file = binary.LittleEndian.AppendUint32(file, height)
	file = binary.LittleEndian.AppendUint16(file, 1)
	file = binary.LittleEndian.AppendUint16(file, bits)
	return append(file, make([]byte, 24)...)
}

func TestRefuses(t *testing.T) {
	small := Limits{Bytes: 4096, Pixels: 1000, Memory: 9_999, Formats: []string{"png", "jpeg"}}
	tiff := files(t)["seven.tiff"]
	for _, test := range []struct {
		name   string
		limits Limits
		file   []byte
		reason Reason
		want   string
	}{
		{"nothing", Own, nil, Empty, "is empty: it has 0 bytes"},
		{"html", Own, []byte("\n<!DOCTYPE html><html>"), Unknown, "is no picture of a known format, want PNG, JPEG, GIF, BMP, TIFF or WebP; it looks like a page of HTML"},
		{"text", Own, []byte("hello"), Unknown, "is no picture of a known format, want PNG"},
		{"zip", Own, []byte("PK\x03\x04"), Unknown, "looks like a zip archive"},
		{"svg", Own, []byte("\xef\xbb\xbf<?xml version='1.0'?>\n<svg width='3'/>"), Unknown, "is an SVG drawing, a format that is not read here: convert it to JPEG or PNG"},
		{"pdf", Own, []byte("%PDF-1.7 ..."), Unknown, "is a PDF, a format that is not read here"},
		{"heic", Own, []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), Unknown, "is a HEIC picture, a format that is not read here: convert it to JPEG"},
		{"avif", Own, []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1"), Unknown, "is an AVIF picture"},
		{"a format that is not taken", small, tiff, Unknown, "is a TIFF picture, a format that is not read here: convert it to JPEG or PNG, want PNG or JPEG"},
		{"too many bytes", small, append(pngHead(3, 3, 8, 0), make([]byte, 4096)...), TooLarge, "has more than 4096 bytes"},
		{"too many pixels", small, pngHead(101, 10, 8, 0), TooLarge, "has 101x10 pixels, want at least 1 and at most 1,000 in all"},
		{"too much memory", small, pngHead(100, 10, 16, 6), TooLarge, "of 100x10 pixels would take 10000 bytes when it is decoded, and 9999 bytes are the most: make it smaller, or save it with 8 bits a channel"},
		{"400 million", Own, pngHead(20_000, 20_000, 8, 0), TooLarge, "has 20000x20000 pixels, want at least 1 and at most 250,000,000"},
		{"a thread", Own, pngHead(1, 16_000_000, 8, 0), TooLarge, "has 1x16000000 pixels, want sides of 65535 at most"},
		{"no pixels", Own, pngHead(0, 5, 8, 0), Damaged, "has 0x5 pixels"},
		{"no number", Own, pngHead(1<<31, 5, 8, 0), Damaged, "its size is no number"},
		{"a bitmap without its pixels", Own, bmpHead(8000, 8000, 24), Damaged, "begins as a picture in bmp format, but is damaged: it ends too early"},
		{"a bitmap of 16 bits", Own, bmpHead(8, 8, 16), Unsupported, "is a picture in bmp format of a kind that cannot be read (compressed, or of 16 bits a pixel): save it as an ordinary PNG or JPEG"},
		{"a jpeg of arithmetic coding", Own, jpegHead(0xc9, 9, 9), Unsupported, "of a kind that cannot be read (arithmetic coding"},
		{"a progressive one of 250 million", Own, jpegHead(0xc2, 15_000, 15_000), TooLarge, "or save it not progressively"},
		{"a cut one", Own, pngHead(3, 3, 8, 0), Damaged, "begins as a picture in png format, but is damaged: it ends too early"},
	} {
		_, _, err := NewDecoder(test.limits).Decode(context.Background(), test.file)
		var e *Error
		if !errors.As(err, &e) || e.Reason != test.reason || !strings.Contains(e.Error(), test.want) {
			t.Errorf("%s: %v, want reason %d and %q", test.name, err, test.reason, test.want)
		}
	}
}

// jpegHead is a JPEG file up to its frame, of three channels.
func jpegHead(frame byte, width, height uint16) []byte {
	file := []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	file = append(file, 0xff, frame, 0, 17, 8)
	file = binary.BigEndian.AppendUint16(file, height)
	file = binary.BigEndian.AppendUint16(file, width)
	return append(file, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
}

// manyScans is a whole progressive gray JPEG file whose scans are of a few bytes:
// each says of all blocks that nothing is in them.
func manyScans(width, height uint16, scans int) []byte {
	file := []byte("\xff\xd8\xff\xdb\x00\x43\x00")
	file = append(file, bytes.Repeat([]byte{1}, 64)...)
	file = append(file, 0xff, 0xc2, 0, 11, 8)
	file = binary.BigEndian.AppendUint16(file, height)
	file = binary.BigEndian.AppendUint16(file, width)
	file = append(file, 1, 1, 0x11, 0)
	// A code of one bit for the end of 16,384 to 32,767 blocks.
	file = append(file, "\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe0"...)
	blocks := int(width+7) / 8 * (int(height+7) / 8)
	for range scans {
		file = append(file, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0)
		for left := blocks; left > 0; left -= 16384 {
			file = append(file, 0, 0) // 0, and 14 bits for 16,384 and no more; a bit too many
		}
	}
	return append(file, 0xff, 0xd9)
}

// A small file cannot ask for a large picture thousands of times.
func TestScans(t *testing.T) {
	d := NewDecoder(Own)
	for _, test := range []struct {
		width, height uint16
		scans         int
		fine          bool
	}{{64, 64, 10, true}, {64, 64, mostScans, true}, {64, 64, mostScans + 1, false}, {4000, 4000, 10, true}, {4000, 4000, 30, false}, {1024, 1024, 2000, false}} {
		file := manyScans(test.width, test.height, test.scans)
		f, err := readJPEG(file)
		if f != nil && (f.scans != test.scans || f.visits != int64(test.scans)*int64(test.width)*int64(test.height)) {
			t.Errorf("%+v: %d scans, %d visits", test, f.scans, f.visits)
		}
		if (err == nil) != test.fine {
			t.Errorf("%+v: error %v", test, err)
		}
		if test.width > 100 {
			continue // what the head says is enough
		}
		_, _, err = d.Decode(context.Background(), file)
		var e *Error
		if test.fine && err != nil || !test.fine && (!errors.As(err, &e) || e.Reason != TooLarge || !strings.Contains(e.Error(), "in 101 scans")) {
			t.Errorf("%+v: decoding: %v", test, err)
		}
	}
	// The thumbnail in EXIF has a scan of its own, which is none of the picture's.
	file := files(t)["half-colours.jpg"]
	thumbnail := append([]byte{0xff, 0xe1, byte((len(file) + 8) >> 8), byte(len(file) + 8), 'E', 'x', 'i', 'f', 0, 0}, file...)
	f, err := readJPEG(slices.Concat(file[:2], thumbnail, file[2:], []byte("\xff\xda\xff\xda behind the end")))
	if err != nil || f.scans != 1 || f.visits != f.samples {
		t.Errorf("with a thumbnail: %+v, %v", f, err)
	}
	// Go's encoder writes one scan and no EXIF.
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 20, 9)), nil); err != nil {
		t.Fatal(err)
	}
	if f, err := readJPEG(b.Bytes()); err != nil || f.scans != 1 || f.width != 20 || f.height != 9 || f.samples != 3*2*64 || f.orientation != 1 {
		t.Errorf("Go's: %+v, %v", f, err)
	}
}

// A photograph of 200 megapixels, as telephones save it, is taken: its head alone tells
// what memory it needs.
func TestLargePhotograph(t *testing.T) {
	frame := func(kind byte) []byte {
		file := jpegHead(kind, 12_240, 16_320)
		file[len(file)-8] = 0x22 // colours at half the resolution
		return file
	}
	d := NewDecoder(Own)
	h, err := d.Head(frame(0xc0))
	if err != nil || h.Width != 12_240 || h.Height != 16_320 {
		t.Fatalf("%+v, %v", h, err)
	}
	if least := int64(16_320*12_240) * 3 / 2; h.Memory < least || h.Memory > least+64<<20 {
		t.Errorf("it takes %d bytes, want little more than the %d of its samples", h.Memory, least)
	}
	var e *Error
	if _, err := d.Head(frame(0xc2)); !errors.As(err, &e) || e.Reason != TooLarge || !strings.Contains(e.Error(), "or save it not progressively") {
		t.Errorf("a progressive one: %v", err)
	}
}

// A decoder that jumps about does not read a file again and again: of this TIFF
// file all strips are the whole of it.
func TestStripsOverEachOther(t *testing.T) {
	const strips = 1000
	var file []byte
	short, long := uint16(3), uint16(4)
	entry := func(tag, kind uint16, count, value uint32) {
		file = binary.LittleEndian.AppendUint16(file, tag)
		file = binary.LittleEndian.AppendUint16(file, kind)
		file = binary.LittleEndian.AppendUint32(file, count)
		file = binary.LittleEndian.AppendUint32(file, value)
	}
	file = append(file, "II*\x00\x08\x00\x00\x00\x08\x00"...)
	lists := uint32(8 + 2 + 8*12 + 4)
	size := lists + 2*4*strips
	entry(256, short, 1, 4000) // width
	entry(257, short, 1, strips)
	entry(258, short, 1, 8) // bits
	entry(259, short, 1, 1) // not compressed
	entry(262, short, 1, 1)
	entry(273, long, strips, lists)
	entry(278, short, 1, 1) // rows of a strip
	entry(279, long, strips, lists+4*strips)
	file = append(file, 0, 0, 0, 0)
	for range strips {
		file = binary.LittleEndian.AppendUint32(file, 0)
	}
	for range strips {
		file = binary.LittleEndian.AppendUint32(file, size)
	}
	_, _, err := NewDecoder(Own).Decode(context.Background(), file)
	var e *Error
	if !errors.As(err, &e) || e.Reason != Damaged || !strings.Contains(e.Error(), "asks for the same bytes again and again") {
		t.Errorf("error %v", err)
	}
}

// What is under way can be stopped, also in the middle of a file of few bytes.
func TestStops(t *testing.T) {
	file := manyScans(800, 800, 100)
	h, err := NewDecoder(Own).Head(file)
	if err != nil || len(h.stops) != 100 {
		t.Fatalf("%+v, %v", h, err)
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s := newSource(ctx, file, h.stops)
	reads := 0
	for buffer := make([]byte, 1<<20); s.at < len(file); reads++ {
		if reads == 50 {
			cancel(stopped)
		}
		if _, err := s.Read(buffer); err != nil {
			if !errors.Is(err, stopped) || reads != 50 {
				t.Errorf("read %d: %v", reads, err)
			}
			break
		}
	}
	if reads != 50 {
		t.Errorf("%d reads, want one for each scan until it is stopped", reads)
	}
	d := NewDecoder(Own)
	if _, _, err := d.Decode(ctx, file); !errors.Is(err, stopped) {
		t.Errorf("decoding after it is stopped: %v", err)
	}
	if !d.Idle() {
		t.Error("memory is still held")
	}
}

// Pictures wait for memory that others hold, and no longer than they may.
func TestMemoryOfAll(t *testing.T) {
	file := files(t)["layer.png"]
	limits := Limits{Bytes: 1 << 20, Pixels: 1 << 20, Memory: 100_000, Wait: time.Millisecond}
	d := NewDecoder(limits)
	err := d.Use(context.Background(), file, func(image.Image, Head) error {
		_, _, err := d.Decode(context.Background(), file)
		return err
	})
	var e *Error
	if !errors.As(err, &e) || e.Reason != Busy {
		t.Errorf("error %v", err)
	}
	limits.Wait = 0
	d = NewDecoder(limits)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	gone := errors.New("gone")
	err = d.Use(context.Background(), file, func(image.Image, Head) error {
		cancel(gone)
		_, _, err := d.Decode(ctx, file)
		return err
	})
	if !errors.Is(err, gone) || !d.Idle() {
		t.Errorf("error %v", err)
	}
}

// stored is where the pixel of the upright picture at x, y of n+1 x n+1 is stored.
var stored = map[int]func(x, y, n int) (int, int){
	1: func(x, y, n int) (int, int) { return x, y },
	2: func(x, y, n int) (int, int) { return n - x, y },
	3: func(x, y, n int) (int, int) { return n - x, n - y },
	4: func(x, y, n int) (int, int) { return x, n - y },
	5: func(x, y, n int) (int, int) { return y, x },
	6: func(x, y, n int) (int, int) { return y, n - x },
	7: func(x, y, n int) (int, int) { return n - y, n - x },
	8: func(x, y, n int) (int, int) { return n - y, x },
}

func TestTurn(t *testing.T) {
	const side = 40
	for orientation, at := range stored {
		square := image.Rect(0, 0, side, side)
		upright := map[string]interface {
			image.Image
			Set(x, y int, c color.Color)
		}{
			"gray": image.NewGray(square), "gray16": image.NewGray16(square), "rgba": image.NewRGBA(square), "nrgba": image.NewNRGBA(square),
			"cmyk": image.NewCMYK(square), "rgba64": image.NewRGBA64(square), "nrgba64": image.NewNRGBA64(square),
			"paletted": image.NewPaletted(square, color.Palette{color.White, color.Gray{40}, color.Black, color.Gray{90}}),
			"alpha16":  image.NewAlpha16(square),
		}
		for name, img := range upright {
			turned := image.NewNRGBA(square) // of any kind
			for y := range side {
				for x := range side {
					img.Set(x, y, color.RGBA{byte(6 * x), byte(5 * y), byte(x * y), 255})
				}
			}
			for y := range side {
				for x := range side {
					toX, toY := at(x, y, side-1)
					turned.Set(toX, toY, img.At(x, y))
				}
			}
			back := turn(turned, orientation)
			for y := range side {
				for x := range side {
					if want := color.NRGBAModel.Convert(img.At(x, y)); back.At(x, y) != want {
						t.Fatalf("%s, %d: %d, %d is %v, want %v", name, orientation, x, y, back.At(x, y), want)
					}
				}
			}
			// Every kind turns as this one does.
			a, b := turn(img, orientation), image.NewNRGBA(square)
			for y := range side {
				for x := range side {
					b.Set(x, y, img.At(x, y))
				}
			}
			want := turn(b, orientation)
			for y := range side {
				for x := range side {
					if got := color.NRGBAModel.Convert(a.At(x, y)); got != want.At(x, y) {
						t.Fatalf("%s, turned by %d: %d, %d is %v, want %v", name, orientation, x, y, got, want.At(x, y))
					}
				}
			}
		}
		// JPEG's kinds, of even and of odd sides.
		for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
			image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410} {
			for _, size := range []image.Point{{30, 20}, {31, 21}, {1, 7}} {
				img := image.NewYCbCr(image.Rectangle{Max: size}, ratio)
				for i := range img.Y {
					img.Y[i] = byte(7 * i)
				}
				for i := range img.Cb {
					img.Cb[i], img.Cr[i] = byte(11*i), byte(90+5*i)
				}
				whole := image.NewNRGBA(img.Rect)
				for y := range size.Y {
					for x := range size.X {
						whole.Set(x, y, img.At(x, y))
					}
				}
				want, got := turn(whole, orientation), turn(img, orientation)
				if got.Bounds() != want.Bounds() {
					t.Fatalf("%v of %v turned by %d is %v", ratio, size, orientation, got.Bounds())
				}
				for y := range want.Bounds().Dy() {
					for x := range want.Bounds().Dx() {
						if c := color.NRGBAModel.Convert(got.At(x, y)); c != want.At(x, y) {
							t.Fatalf("%v of %v turned by %d: %d, %d is %v, want %v", ratio, size, orientation, x, y, c, want.At(x, y))
						}
					}
				}
			}
		}
	}
}

// Very large pictures are made smaller, each pixel the mean of those it stands for.
func TestReduce(t *testing.T) {
	for size, want := range map[image.Point]int{{4000, 4000}: 1, {4001, 4000}: 2, {8000, 6000}: 3, {16320, 12240}: 5, {65535, 3000}: 5} {
		if got := factor(size.X, size.Y); got != want {
			t.Errorf("%v is made smaller by %d, want %d", size, got, want)
		}
		if by := factor(size.X, size.Y); size.X/by*(size.Y/by) > MostKept {
			t.Errorf("%v stays larger than %d", size, MostKept)
		}
	}
	gray, rgba := image.NewGray(image.Rect(0, 0, 7, 5)), image.NewNRGBA(image.Rect(3, 4, 10, 9))
	ycbcr := image.NewYCbCr(image.Rect(0, 0, 7, 5), image.YCbCrSubsampleRatio420)
	for i := range ycbcr.Cb {
		ycbcr.Cb[i], ycbcr.Cr[i] = 128, 128
	}
	for y := range 5 {
		for x := range 7 {
			v := byte(30*x + 10*y)
			gray.SetGray(x, y, color.Gray{v})
			rgba.SetNRGBA(3+x, 4+y, color.NRGBA{v, v, v, 255})
			ycbcr.Y[ycbcr.YOffset(x, y)] = v
		}
	}
	want := []byte{40, 130, 190, 65, 155, 215} // of 3x3, 3x3, 1x3 and 3x2, 3x2, 1x2
	for name, img := range map[string]image.Image{"gray": gray, "colours": rgba, "jpeg": ycbcr} {
		small, _ := Gray(reduce(img, 3))
		if small.Rect != image.Rect(0, 0, 3, 2) || !slices.Equal(small.Pix, want) {
			t.Errorf("%s: %v is %v, want %v", name, small.Rect, small.Pix, want)
		}
	}
}

func TestGrayAndFlat(t *testing.T) {
	img := image.NewNRGBA(image.Rect(10, 20, 15, 21))
	for i, c := range []color.NRGBA{{0, 0, 0, 255}, {255, 255, 255, 255}, {255, 0, 0, 255}, {0, 0, 0, 0}, {0, 0, 0, 128}} {
		img.SetNRGBA(10+i, 20, c)
	}
	gray, opaque := Gray(img)
	if want := []uint8{0, 255, 76, 255, 127}; !slices.Equal(gray.Pix, want) || !slices.Equal(opaque.Pix, []uint8{255, 255, 255, 0, 128}) {
		t.Errorf("black, white, red, transparent and half-transparent black are %v, %v, want %v", gray.Pix, opaque.Pix, want)
	}
	at := func(img image.Image, x int) byte {
		return color.GrayModel.Convert(img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y)).(color.Gray).Y
	}
	if flat := Flat(img); at(flat, 3) != 255 || at(flat, 0) != 0 {
		t.Error("dark ink on nothing is not on white paper")
	}
	light := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	light.SetNRGBA(1, 0, color.NRGBA{250, 250, 250, 255})
	if flat := Flat(light); at(flat, 0) != 0 || at(flat, 1) != 250 {
		t.Error("light ink on nothing is not on black")
	}
	if nothing := Flat(image.NewNRGBA(image.Rect(0, 0, 3, 1))); at(nothing, 0) != 255 {
		t.Error("nothing is not white paper")
	}
}

// Whatever a file says, the work is in proportion: the bytes that are read to those
// that there are, the samples that are visited to those of the picture, and the
// memory to what the head said.
func FuzzDecode(f *testing.F) {
	for _, file := range files(f) {
		f.Add(file)
	}
	f.Add(jpegHead(0xc2, 9, 9))
	f.Add(manyScans(64, 64, 120))
	f.Add(bmpHead(80, 80, 24))
	f.Add(append([]byte("\xff\xd8"), "\xff\xe1\x00\x1eExif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00"...))
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray16(image.Rect(0, 0, 5, 3))); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	d := NewDecoder(Limits{Bytes: 1 << 20, Pixels: 1 << 20, Memory: 64 << 20})
	f.Fuzz(func(t *testing.T, file []byte) {
		Is(file)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h, format, err := d.head(file)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+uint64(8*len(file)) {
			t.Fatalf("looking at %d bytes took %d bytes of memory", len(file), took)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		pixels := int64(h.stored.X) * int64(h.stored.Y)
		if samples := 4 * (pixels + 1<<16); h.Work > max(progressiveVisits*samples, smallProgressive)+samples {
			t.Fatalf("%d samples are visited for %d pixels", h.Work, pixels)
		}
		s := newSource(t.Context(), file, h.stops)
		runtime.ReadMemStats(&before)
		img, err := format.decodeWithin(t.Context(), file, &h)
		runtime.ReadMemStats(&after)
		// What is collected meanwhile counts here, too.
		if took := int64(after.TotalAlloc - before.TotalAlloc); took > 3*h.Memory+2<<20 {
			t.Fatalf("%s of %v took %d bytes of memory, but %d were announced", h.Format, h.stored, took, h.Memory)
		}
		guarded(func() error { _, err := format.decode(s, file); return err })
		if read := 2*int64(len(file)) + 64<<10 - s.left; read > 2*int64(len(file))+128<<10 {
			t.Fatalf("%d bytes were read of %d", read, len(file))
		}
		if err == nil && img.Bounds().Size() != image.Pt(h.Width, h.Height) {
			t.Fatalf("%v is not %dx%d", img.Bounds(), h.Width, h.Height)
		}
	})
}
