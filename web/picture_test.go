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
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"

	"inkling/web/reading"
)

func withImage(file []byte) string {
	return `{"image": "data:image/png;base64,` + base64.StdEncoding.EncodeToString(file) + `"}`
}

// realPictures are files that other programs wrote; make.py beside them made them.
func realPictures(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	folder := os.DirFS("../picture/testdata")
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
		"seven.tiff":  "a TIFF picture, a format that is not read here", // is read elsewhere
		"tiles.tiff":  "a TIFF picture",
		"turned.tiff": "a TIFF picture",
		"seven.svg":   "an SVG drawing",
		"seven.ico":   "an ICO picture",
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
	if len(files) < 35 || len(refused) > 0 {
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
			body := strings.Replace(withImage(reading.ToPNG(img)), "{", `{"details": true, `, 1)
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
	if w := askJSON(s, "/api/predict", withImage(file)); len(file) > 100_000 || w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "20000x20000") {
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
		"20000x20000":            pngHead(20_000, 20_000, 8, 0),
		"8000x8000":              pngHead(8_000, 8_000, 16, 6),
		"4000x4000 pixels would": pngHead(4_000, 4_000, 16, 6),
		"1000000x1000":           pngHead(1_000_000, 1_000, 8, 0),
		"65000x65000":            gifHead(65_000, 65_000),
		"has more than 8 MB":     append(pngHead(10, 10, 8, 0), make([]byte, maxFile+1-33)...),
		"not progressively":      progressiveHead(3_000, 4_000),
		"65500x65500":            jpegHead(0xc0, 65_500, 65_500),
	} {
		if w := askJSON(s, "/api/predict", withImage(file)); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), name) {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
	}
	for _, file := range [][]byte{pngHead(0, 5, 8, 0), pngHead(1<<31, 1<<31-1, 1, 0)} {
		if w := askJSON(s, "/api/predict", withImage(file)); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("a PNG of an impossible size: status %d", w.Code)
		}
	}
	// The memory was given back.
	if !s.pictures.Idle() || s.bodies.used != 0 {
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

func FuzzPicture(f *testing.F) {
	f.Add(reading.ToPNG(image.NewGray(image.Rect(0, 0, 3, 3))))
	f.Add(jpegHead(0xc2, 9, 9))
	f.Add(gifHead(3, 3))
	for _, file := range realPictures(f) {
		f.Add(file)
	}
	s := newTestServer(f, nil)
	tutorial := s.reads.Preparation
	tutorial.Way = "tutorial"
	f.Fuzz(func(t *testing.T, file []byte) {
		d := drawing{File: append([]byte{}, file...)}
		results, err := s.reads.Prepare(context.Background(), &d, true, s.reads.Preparation, tutorial)
		if err == nil && (results[0] == nil || results[1] == nil) {
			t.Fatal("no result and no error")
		}
	})
}
