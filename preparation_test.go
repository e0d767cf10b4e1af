package inkling

import (
	"bytes"
	"image"
	"image/color"
	"slices"
	"testing"

	"inkling/data"
	"inkling/data/folder"
	"inkling/models"
	"inkling/transform"
)

// What is done to a gray picture depends on the ground of the training's.
func TestGround(t *testing.T) {
	set := func(grounds ...byte) data.Dataset {
		var pixels []byte
		for _, ground := range grounds {
			picture := bytes.Repeat([]byte{ground}, 16*16)
			picture[8*16+8] = 255 - ground
			pixels = append(pixels, picture...)
		}
		d, err := data.NewMemory(pixels, make([]byte, len(grounds)), []string{"a"}, 1, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	light, dark := image.NewGray(image.Rect(0, 0, 16, 16)), image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range light.Pix {
		light.Pix[i] = 250
	}
	light.Pix[100], dark.Pix[100] = 0, 255
	for _, test := range []struct {
		grounds                   []byte
		want                      string
		invertsLight, invertsDark bool
	}{
		{nil, "", true, false}, // not known
		{[]byte{0, 10, 20}, GroundDark, true, false},
		{[]byte{255, 240}, GroundLight, false, true},
		{[]byte{0, 255, 0, 255}, GroundMixed, false, false},
	} {
		network, err := models.NewLeNetFor(1, 16, 16, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		m := &Classifier{Network: network}
		if test.grounds != nil {
			ground, err := GroundOf(set(test.grounds...))
			if err != nil || ground != test.want {
				t.Errorf("%v: the ground is %q, %v, want %q", test.grounds, ground, err, test.want)
			}
			m.About.Extra = map[string]string{GroundKey: ground}
		}
		m.About.Mean, m.About.Std = []float32{0}, []float32{1}
		pipeline, err := transform.Compile(m.TransformDrawing(), 1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		white := make([]float32, 1)
		if pipeline.Apply(white, []byte{255}); white[0] == 0 != test.invertsDark {
			t.Errorf("trained on %q: the white of a drawing becomes %v", test.want, white[0])
		}
		for img, want := range map[*image.Gray]bool{light: test.invertsLight, dark: test.invertsDark} {
			for _, way := range []string{Fit, Resize} {
				p := prepared(t, m, way, "", img)
				if seen := img.Pix[100]; p.Inverted != want || p.Bytes[100] != seen && !want || p.Bytes[100] != 255-seen && want {
					t.Errorf("trained on %q, %s: the ground %d is inverted: %v, want %v; sample %d", test.want, way, img.Pix[0], p.Inverted, want, p.Bytes[100])
				}
			}
		}
	}
}

// A colour network gets what training got of the same file.
func TestColourSamples(t *testing.T) {
	network, err := models.NewLeNetFor(3, 16, 20, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := &Classifier{Network: network}
	img := image.NewNRGBA(image.Rect(0, 0, 40, 16))
	for i := range 40 * 16 {
		copy(img.Pix[4*i:], []byte{200, 100, 50, 255})
	}
	img.SetNRGBA(0, 0, color.NRGBA{}) // transparent: paper
	want, err := folder.FromImage(img, 3, 16, 20)
	if err != nil {
		t.Fatal(err)
	}
	p := prepared(t, m, "", "", img)
	if p.Way != Resize || p.Inverted || !p.Resized || !slices.Equal(p.Bytes, want) || p.Bytes[319] != 200 || p.Bytes[639] != 100 || p.Bytes[959] != 50 || p.Bytes[0] <= 200 {
		t.Errorf("samples %v", p)
	}
	if p = prepared(t, m, "", "yes", img); !p.Inverted || p.Bytes[319] != 55 {
		t.Errorf("inverted: %v", p.Inverted)
	}
	// Twice as wide as the network's pictures are high: a fifth of the rows are black.
	if p = prepared(t, m, Fit, "", img); p.Bytes[0] != 0 || p.Bytes[3*20+19] != 0 || p.Bytes[8*20+19] != 200 || p.Bytes[15*20] != 0 {
		t.Errorf("fitted: %v", p.Bytes[:320])
	}
	gray := image.NewGray(image.Rect(0, 0, 3, 3))
	if p = prepared(t, m, "", "", gray); len(p.Bytes) != 3*16*20 {
		t.Errorf("a gray picture: %v", p)
	}
	four, err := models.NewLeNetFor(4, 16, 16, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{Fit, Resize} {
		preparation, err := (&Classifier{Network: four}).Preparation(way)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := preparation.Prepare(gray); err == nil {
			t.Errorf("four channels, %s: no error", way)
		}
	}
}

// prepared is a picture as a model's preparation makes it.
func prepared(t *testing.T, m *Classifier, way, invert string, img image.Image) *Prepared {
	t.Helper()
	p, err := m.Preparation(way)
	if err != nil {
		t.Fatal(err)
	}
	p.Invert = invert
	made, err := p.Prepare(img)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
