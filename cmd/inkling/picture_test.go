package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling"
	"inkling/models"
)

func TestMostProbable(t *testing.T) {
	var all []classAndOdds
	for i := range 12 {
		all = append(all, classAndOdds{string(rune('a' + i)), float64(i%6) / 100})
	}
	if got := mostProbable(all[:10]); !slices.Equal(got, all[:10]) {
		t.Errorf("of ten classes: %v, want all in their order", got)
	}
	got := mostProbable(all)
	if len(got) != 5 || got[0].Class != "f" || got[1].Class != "l" || got[2].Class != "e" {
		t.Errorf("of twelve classes: %v, want f, l, e and two more", got)
	}
}

// hugePNG is a small file that asks for a picture of 20,000 x 20,000 pixels.
func hugePNG() []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := []byte("IHDR\x00\x00\x4e\x20\x00\x00\x4e\x20\x08\x00\x00\x00\x00")
	b = binary.BigEndian.AppendUint32(b, 13)
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func TestReadPictureRefuses(t *testing.T) {
	var whole bytes.Buffer
	if err := png.Encode(&whole, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":   {nil, "is empty"},
		"html":    {[]byte("<html>not found</html>"), "no picture of a known format, want PNG, JPEG"},
		"huge":    {hugePNG(), "has 20000x20000 pixels, want at least 1 and at most 50,000,000"},
		"cut":     {whole.Bytes()[:whole.Len()-30], "is damaged"},
		"cut off": {whole.Bytes()[:20], "is damaged"},
	} {
		path := filepath.Join(t.TempDir(), "picture")
		if err := os.WriteFile(path, test.content, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readPicture(path, nil); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, want the path and %q", name, err, test.want)
		}
		if _, err := readPicture("-", bytes.NewReader(test.content)); err == nil || !strings.Contains(err.Error(), "standard input") {
			t.Errorf("%s from standard input: error is %v", name, err)
		}
	}
	if _, err := readPicture(filepath.Join(t.TempDir(), "none.png"), nil); err == nil || !strings.Contains(err.Error(), "none.png") {
		t.Errorf("a missing file: error is %v", err)
	}
}

func FuzzReadPicture(f *testing.F) {
	var b bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 5, 3))
	img.Pix[7] = 200
	if err := png.Encode(&b, img); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	f.Add(hugePNG())
	f.Fuzz(func(t *testing.T, content []byte) {
		img, err := readPicture("-", bytes.NewReader(content))
		if err != nil || img.Bounds().Dx()*img.Bounds().Dy() > 1_000_000 {
			return
		}
		m := &inkling.Model{Network: models.NewLeNet(10, 1)}
		if p, _, err := m.Prepare(img, "auto"); err == nil && len(p.Bytes) != 28*28 {
			t.Errorf("%v became %d samples", img.Bounds(), len(p.Bytes))
		}
	})
}
