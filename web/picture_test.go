package web

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"

	_ "golang.org/x/image/tiff" // must be refused although it is registered
)

func encoded(t testing.TB, encode func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func withImage(file []byte) string {
	return `{"image": "data:image/png;base64,` + base64.StdEncoding.EncodeToString(file) + `"}`
}

// realPictures are files that other programs wrote; testdata/pictures/make.py
// made them.
func realPictures(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	folder := os.DirFS("testdata/pictures")
	names, err := fs.Glob(folder, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if path.Ext(name) == ".py" {
			continue
		}
		if files[name], err = fs.ReadFile(folder, name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestPictureFormats(t *testing.T) {
	s := newTestServer(t, nil)
	refused := map[string]string{
		"seven.tiff":    "no known format", // is registered in this test
		"seven.svg":     "no known format",
		"seven.ico":     "no known format",
		"animated.webp": "animated WebP",
	}
	files := realPictures(t)
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			w := askJSON(s, "/api/predict", withImage(file))
			if want, found := refused[name]; found {
				delete(refused, name)
				if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), want) {
					t.Errorf("status %d: %s", w.Code, w.Body)
				}
				return
			}
			checkSeven(t, decoded[prediction](t, w))
			if w := askJSON(s, "/api/predict", withImage(file[:len(file)/2])); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "damaged") {
				t.Errorf("cut in the middle: status %d: %s", w.Code, w.Body)
			}
		})
	}
	if len(files) < 20 || len(refused) > 0 {
		t.Errorf("of the pictures %d are there, and not %v", len(files), refused)
	}
}

// Small and odd pictures are answered, whatever they show.
func TestOddPictures(t *testing.T) {
	s := newTestServer(t, nil)
	for _, size := range []image.Point{{1, 1}, {1, 300}, {300, 1}, {2, 2}, {4000, 3}, {28, 28}} {
		for _, ink := range []color.Gray{{0}, {128}, {255}} {
			img := image.NewGray(image.Rectangle{Max: size})
			for i := range img.Pix {
				if i%3 == 0 {
					img.Pix[i] = ink.Y
				}
			}
			body := strings.Replace(withImage(toPNG(img)), "{", `{"details": true, `, 1)
			if w := askJSON(s, "/api/predict", body); w.Code != http.StatusOK {
				t.Errorf("%v of %v: status %d: %s", size, ink, w.Code, w.Body)
			}
		}
	}
}

// pngHead is the beginning of a PNG file of any size and depth.
func pngHead(width, height uint32, depth, kind byte) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, depth, kind, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(header))
}

// whitePNG is a whole PNG file with one bit a pixel: 90 kB for 20,000 x 20,000.
func whitePNG(t testing.TB, side uint32) []byte {
	var data bytes.Buffer
	compress := zlib.NewWriter(&data)
	row := bytes.Repeat([]byte{0xff}, int(1+(side+7)/8))
	row[0] = 0 // no filter
	for range side {
		if _, err := compress.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := compress.Close(); err != nil {
		t.Fatal(err)
	}
	file := pngHead(side, side, 1, 0)
	for _, chunk := range []struct {
		name string
		data []byte
	}{{"IDAT", data.Bytes()}, {"IEND", nil}} {
		file = binary.BigEndian.AppendUint32(file, uint32(len(chunk.data)))
		start := len(file)
		file = append(append(file, chunk.name...), chunk.data...)
		file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(file[start:]))
	}
	return file
}

// A small file that asks for much memory is refused, and one like it that asks
// for little is not.
func TestRefusesSmallFilesOfLargePictures(t *testing.T) {
	s := newTestServer(t, nil)
	file := whitePNG(t, 20_000)
	if w := askJSON(s, "/api/predict", withImage(file)); len(file) > 100_000 || w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "20000 x 20000") {
		t.Errorf("%d bytes: status %d: %s", len(file), w.Code, w.Body)
	}
	if p := decoded[prediction](t, askJSON(s, "/api/predict", withImage(whitePNG(t, 200)))); !p.Empty {
		t.Errorf("white paper is read as %q", p.Label)
	}
}

// Pictures that would take too much memory are refused by their header alone:
// these have nothing else.
func TestRefusesLargePictures(t *testing.T) {
	s := newTestServer(t, nil)
	for name, file := range map[string][]byte{
		"20000 x 20000":            pngHead(20_000, 20_000, 8, 0),
		"8000 x 8000":              pngHead(8_000, 8_000, 16, 6),
		"4000 x 4000 pixels would": pngHead(4_000, 4_000, 16, 6),
		"1000000 x 1000":           pngHead(1_000_000, 1_000, 8, 0),
		"65000 x 65000":            gifHead(65_000, 65_000),
		"file has 8388609 bytes":   append(pngHead(10, 10, 8, 0), make([]byte, maxFile+1-33)...),
		"progressively":            progressiveHead(3_000, 4_000),
		"65500 x 65500":            jpegHead(0xc0, 65_500, 65_500),
	} {
		if w := askJSON(s, "/api/predict", withImage(file)); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), name) {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
	}
	for _, file := range [][]byte{pngHead(0, 5, 8, 0), pngHead(1<<31-1, 1<<31-1, 1, 0)} {
		if w := askJSON(s, "/api/predict", withImage(file)); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("a PNG of an impossible size: status %d", w.Code)
		}
	}
	// The memory was given back.
	if !s.pictures.memory.TryAcquire(maxPictures) || s.bodies.used != 0 {
		t.Error("memory is still held")
	}
}

func gifHead(width, height uint16) []byte {
	file := binary.LittleEndian.AppendUint16([]byte("GIF89a"), width)
	return append(binary.LittleEndian.AppendUint16(file, height), 0, 0, 0)
}

// jpegHead is a JPEG file up to its frame, of three channels.
func jpegHead(frame byte, width, height uint16) []byte {
	file := []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	file = append(file, 0xff, frame, 0, 17, 8)
	file = binary.BigEndian.AppendUint16(file, height)
	file = binary.BigEndian.AppendUint16(file, width)
	return append(file, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
}

func progressiveHead(width, height uint16) []byte { return jpegHead(0xc2, width, height) }

// exif is a segment that says how a picture is to be turned.
func exif(order binary.AppendByteOrder, orientation uint16) []byte {
	data := []byte("Exif\x00\x00")
	if order.String() == "LittleEndian" {
		data = append(data, "II*\x00"...)
	} else {
		data = append(data, "MM\x00*"...)
	}
	data = order.AppendUint32(data, 8)
	data = order.AppendUint16(data, 2) // entries
	for _, entry := range [][2]uint16{{0x0100, 640}, {0x0112, orientation}} {
		data = order.AppendUint16(data, entry[0])
		data = order.AppendUint16(data, 3) // short
		data = order.AppendUint32(data, 1)
		data = order.AppendUint16(data, entry[1])
		data = order.AppendUint16(data, 0)
	}
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(data)+2))
	return append(segment, data...)
}

// A picture that was stored turned, and says so, is read as if it were not.
func TestTurnsPictures(t *testing.T) {
	upright := digitPicture()
	n := upright.Rect.Dx() - 1
	// Where the pixel of the upright picture at x, y is stored.
	stored := map[uint16]func(x, y int) (int, int){
		1: func(x, y int) (int, int) { return x, y },
		2: func(x, y int) (int, int) { return n - x, y },
		3: func(x, y int) (int, int) { return n - x, n - y },
		4: func(x, y int) (int, int) { return x, n - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, n - x },
		7: func(x, y int) (int, int) { return n - y, n - x },
		8: func(x, y int) (int, int) { return n - y, x },
	}
	s := newTestServer(t, nil)
	for value, at := range stored {
		turned := image.NewGray(upright.Rect)
		for y := range n + 1 {
			for x := range n + 1 {
				toX, toY := at(x, y)
				turned.SetGray(toX, toY, upright.GrayAt(x, y))
			}
		}
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			file := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, turned, &jpeg.Options{Quality: 100}) })
			file = append(append([]byte{0xff, 0xd8}, exif(order, value)...), file[2:]...)
			if got := orientation(file); got != int(value) {
				t.Errorf("%v: orientation %d is read as %d", order, value, got)
			}
			checkSeven(t, decoded[prediction](t, askJSON(s, "/api/predict", withImage(file))))
		}
	}
	wide := turn(image.NewYCbCr(image.Rect(5, 5, 25, 10), image.YCbCrSubsampleRatio420), 6)
	if wide.Bounds() != image.Rect(0, 0, 5, 20) {
		t.Errorf("a turned picture of 20x5 is %v", wide.Bounds())
	}
	if turn(image.NewCMYK(image.Rect(0, 0, 2, 1)), 8).Bounds() != image.Rect(0, 0, 1, 2) {
		t.Error("a turned CMYK picture is wrong")
	}
}

func FuzzPicture(f *testing.F) {
	f.Add(toPNG(image.NewGray(image.Rect(0, 0, 3, 3))))
	f.Add(append(exif(binary.LittleEndian, 6), 0))
	f.Add(append([]byte{0xff, 0xd8}, exif(binary.BigEndian, 3)...))
	f.Add(jpegHead(0xc2, 9, 9))
	f.Add(gifHead(3, 3))
	for _, file := range realPictures(f) {
		f.Add(file)
	}
	s := newTestServer(f, nil)
	f.Fuzz(func(t *testing.T, file []byte) {
		if v := orientation(file); v < 1 || v > 8 {
			t.Fatalf("orientation %d", v)
		}
		progressive(file)
		if len(file) > 2 && file[0] == 'B' && file[1] == 'M' {
			return // bitmaps of millions of pixels are cheap to ask for, and slow
		}
		d := drawing{file: append([]byte{}, file...)}
		results, err := s.prepare(context.Background(), &d, true, "emnist", "tutorial")
		if err == nil && (results[0] == nil || results[1] == nil) {
			t.Fatal("no result and no error")
		}
	})
}
