package main

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inkling/data"
	"inkling/plot"
)

// four pictures of 3x16x60 samples, each of one colour.
func colours(t *testing.T) (d data.Dataset, levels [4][3]byte) {
	t.Helper()
	levels = [4][3]byte{{255, 0, 0}, {0, 200, 0}, {0, 0, 100}, {30, 60, 90}}
	var pixels []byte
	for _, c := range levels {
		for _, v := range c {
			pixels = append(pixels, bytes.Repeat([]byte{v}, 16*60)...)
		}
	}
	classes := []string{"ankle boot", "a class of quite a long name, which fits nowhere", "\x1b[31mred"}
	d, err := data.NewMemory(pixels, []byte{0, 1, 2, 0}, classes, 3, 16, 60)
	if err != nil {
		t.Fatal(err)
	}
	return d, levels
}

func TestGalleryPrints(t *testing.T) {
	d, _ := colours(t)
	g, err := newGallery(d, 1)
	if err != nil {
		t.Fatal(err)
	}
	print := func(graphics plot.Graphics) string {
		var b strings.Builder
		if err := g.print(&b, graphics); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got, want := print(plot.None), `ankle boot; a class of quite a long name, which fits nowhere; "\x1b[31mred"; ankle boot`+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// Pictures of 60 columns are halved; two of them fit into 80.
	lines := strings.Split(print(plot.Blocks), "\n")
	if len(lines) != 2*(4+1)+1 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	if got := strings.Count(lines[0], "▀"); got != 60 {
		t.Errorf("%d characters in a row, want 60", got)
	}
	for i, want := range map[int]string{
		4: "          ankle boot          a class of quite a long name…",
		9: `        "\x1b[31mred"                   ankle boot`,
	} {
		if lines[i] != want {
			t.Errorf("%q below the pictures, want %q", lines[i], want)
		}
	}
	if got := print(plot.Sixel); strings.Count(got, "\x1bP") != 1 {
		t.Errorf("four pictures of 60 pixels are drawn in %d rows", strings.Count(got, "\x1bP"))
	}
}

func TestGallerySaves(t *testing.T) {
	d, levels := colours(t)
	path := filepath.Join(t.TempDir(), "grid.png")
	if err := writeGrid(path, d); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	// Four columns as wide as the longest name, 48 letters of 8 pixels and a gap.
	const pitch = 48*8 + 8 + 2
	for i, want := range levels {
		got := color.RGBAModel.Convert(img.At(2+i*pitch+pitch/2, 10)).(color.RGBA)
		if got != (color.RGBA{want[0], want[1], want[2], 255}) {
			t.Errorf("picture %d is %v, want %v", i, got, want)
		}
	}
}

func TestGalleryMixes(t *testing.T) {
	d, levels := colours(t)
	g, err := newGallery(d, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAugment("mixup", 3, 16, 60, false)
	if err != nil {
		t.Fatal(err)
	}
	g.augment(a, 3)
	// The second picture is a share of green over red.
	at := g.size()
	share := float64(g.pixels[at+16*60]) / float64(levels[1][1])
	if red := float64(g.pixels[at]) / 255; share < 0.01 || share > 0.99 || red+share < 0.99 || red+share > 1.01 {
		t.Errorf("%.2f green and %.2f red", share, red)
	}
	for i, pair := range [][2]string{{"ankle boot", ""}, {"a class", "ankle boot"}, {`"\x1b[31mred"`, "a class"}, {"ankle boot", `"\x1b[31mred"`}} {
		if !strings.Contains(g.captions[i], pair[0]) || !strings.Contains(g.captions[i], pair[1]) || (pair[1] == "") == strings.Contains(g.captions[i], "%") {
			t.Errorf("picture %d is called %q, want a mix of %q", i, g.captions[i], pair)
		}
	}
}

func TestDrawnCaption(t *testing.T) {
	g := &gallery{labels: []int{0, 4, 5}, captions: []string{"chién", "猫", "🐈"}}
	if got := []string{g.drawnCaption(0), g.drawnCaption(1), g.drawnCaption(2)}; got[0] != "chién" || got[1] != "猫" || got[2] != "class 5" {
		t.Errorf("%q", got)
	}
}
