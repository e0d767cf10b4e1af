package microhei

import (
	"reflect"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// TestLatin compares the small font with the whole one: measures, widths and outlines.
func TestLatin(t *testing.T) {
	var buffer sfnt.Buffer
	const em = fixed.Int26_6(1000 << 6)
	measure := func(f *sfnt.Font) (font.Metrics, string) {
		m, err := f.Metrics(&buffer, em, font.HintingNone)
		if err != nil {
			t.Fatal(err)
		}
		name, err := f.Name(&buffer, sfnt.NameIDFamily)
		if err != nil {
			t.Fatal(err)
		}
		return m, name
	}
	wantMetrics, wantName := measure(Font())
	if m, name := measure(Latin()); m != wantMetrics || name != wantName {
		t.Errorf("%s has %v, want %s with %v", name, m, wantName, wantMetrics)
	}
	glyph := func(f *sfnt.Font, letter rune) (at sfnt.GlyphIndex, wide fixed.Int26_6, outline sfnt.Segments) {
		at, err := f.GlyphIndex(&buffer, letter)
		if err == nil {
			wide, err = f.GlyphAdvance(&buffer, at, em, font.HintingNone)
		}
		if err == nil {
			outline, err = f.LoadGlyph(&buffer, at, em, nil)
		}
		if err != nil {
			t.Fatalf("%q: %v", letter, err)
		}
		return at, wide, append(sfnt.Segments(nil), outline...)
	}
	shared := 0
	for letter := rune(0); letter < 0x2100; letter++ {
		if !IsLatin(string(letter)) {
			continue
		}
		wantAt, wantWide, wantOutline := glyph(Font(), letter)
		at, wide, outline := glyph(Latin(), letter)
		if (at == 0) != (wantAt == 0) || wide != wantWide || !reflect.DeepEqual(outline, wantOutline) {
			t.Errorf("%q is not drawn as in the whole font", letter)
		}
		if at != 0 {
			shared++
		}
	}
	if shared < 300 {
		t.Errorf("%d letters, want those of European languages", shared)
	}
	for _, text := range []string{"很", "Loss 损失", "Ω"} {
		if IsLatin(text) {
			t.Errorf("%q is taken for Latin", text)
		}
	}
}
