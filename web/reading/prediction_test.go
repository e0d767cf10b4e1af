package reading

import (
	"image"
	"testing"
)

// The feature maps are what the layers compute, in their places.
func TestTile(t *testing.T) {
	values := make([]float32, 10*2*3)
	for i := range values {
		values[i] = float32(i)
	}
	img, columns := tile(values, []int{1, 10, 2, 3})
	if columns != 8 || img.Rect.Size() != image.Pt(24, 4) {
		t.Fatalf("%d columns, %v", columns, img.Rect)
	}
	at := func(m, y, x int) byte { return byte(float32(m*6+y*3+x)/59*255 + 0.5) }
	for m := range 10 {
		for y := range 2 {
			for x := range 3 {
				if got := img.GrayAt(m%8*3+x, m/8*2+y).Y; got != at(m, y, x) {
					t.Fatalf("map %d at %d, %d is %d, want %d", m, x, y, got, at(m, y, x))
				}
			}
		}
	}
}
