package sketch

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/data/mnist/embedded"
	"inkling/internal/realdata"
)

func readPNG(t testing.TB, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func mustRead(t testing.TB, img image.Image, p Procedure, opts ...Option) *Result {
	t.Helper()
	r, err := FromPicture(img, p, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// paint draws a three, three times as large as the canvas, with a pen of so many
// pixels; at says how the colour follows from how much ink there is.
func paint(pen float64, set func(x, y int, ink byte)) {
	c := newCanvas()
	defer c.free()
	c.draw(three().Strokes, placement{0.25, 0.25, 5, 5}, pen/6, evenly)
	for y := range 3 * canvasSize {
		for x := range 3 * canvasSize {
			set(x, y, level(c.row(y / 3)[x/3]))
		}
	}
}

var whole = image.Rect(0, 0, 3*canvasSize, 3*canvasSize)

func TestPictureOfAnyKind(t *testing.T) {
	onBlack, onWhite := image.NewGray(whole), image.NewGray(whole)
	black, white, wide := image.NewNRGBA(whole), image.NewNRGBA(whole), image.NewGray16(whole)
	pale, shifted := image.NewRGBA(whole), image.NewGray(whole.Add(image.Pt(-50, 1000)))
	palette := image.NewPaletted(whole, color.Palette{})
	for i := range 256 {
		palette.Palette = append(palette.Palette, color.Gray{byte(255 - i)})
	}
	paint(18, func(x, y int, ink byte) {
		onBlack.SetGray(x, y, color.Gray{ink})
		onWhite.SetGray(x, y, color.Gray{255 - ink})
		black.SetNRGBA(x, y, color.NRGBA{0, 0, 0, ink})
		white.SetNRGBA(x, y, color.NRGBA{255, 255, 255, ink})
		wide.SetGray16(x, y, color.Gray16{0xffff - uint16(ink)*0x101})
		shade := 200 - ink/2
		pale.SetRGBA(x, y, color.RGBA{shade, shade, shade, 255})
		shifted.SetGray(x-50, y+1000, color.Gray{255 - ink})
		palette.SetColorIndex(x, y, ink)
	})
	for _, p := range []Procedure{EMNIST, MNIST} {
		want := mustRead(t, onBlack, p)
		drawn := mustDraw(t, three(), p)
		if d := meanDifference(want.Pixels[:], drawn.Pixels[:]); d > 8 {
			t.Errorf("%s: the picture of a drawing differs from the drawing by %.1f levels on average, want less than 8", p, d)
		}
		for name, img := range map[string]image.Image{
			"black on white": onWhite, "black on a transparent layer": black, "white on a transparent layer": white,
			"16 bits": wide, "pale": pale, "with bounds elsewhere": shifted, "palette": palette,
		} {
			if d := farthest(mustRead(t, img, p).Pixels[:], want.Pixels[:]); d > 8 {
				t.Errorf("%s: a three, %s, differs by %d from white on black", p, name, d)
			}
		}
	}
}

func meanDifference(a, b []byte) float64 {
	sum := 0
	for i := range a {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return float64(sum) / float64(len(a))
}

// Lines are as wide as the data set's, however thin or thick they were drawn, so that
// they neither vanish nor run into each other.
func TestWidthOfLines(t *testing.T) {
	for _, pen := range []float64{2, 4, 9, 18, 27} {
		img := image.NewGray(whole)
		paint(pen, func(x, y int, ink byte) { img.SetGray(x, y, color.Gray{ink}) })
		for _, p := range []Procedure{EMNIST, MNIST} {
			got, want := mustRead(t, img, p), mustDraw(t, three(), p)
			if a, b := thickness(got.Image()), thickness(want.Image()); a < b-0.4 || a > b+0.4 {
				t.Errorf("%s: the lines of a three drawn %v pixels wide are %.2f thick, want about %.2f", p, pen, a, b)
			}
			if d := meanDifference(got.Pixels[:], want.Pixels[:]); d > 23 {
				t.Errorf("%s: a three drawn %v pixels wide differs from one drawn here by %.1f levels on average, want less than 23", p, pen, d)
			}
		}
	}
	// A one drawn with a paint roller.
	bar := image.NewGray(whole)
	draw.Draw(bar, image.Rect(100, 10, 160, 240), image.White, image.Point{}, draw.Src)
	for p, most := range map[Procedure]float64{EMNIST: 4.5, MNIST: 3.9} { // it would be 4.93 and 4.29
		got := mustRead(t, bar, p).Image()
		if wide, high := thickness(got), inkBounds(got).Dy(); wide > most || high < 19 {
			t.Errorf("%s: a broad one is %.2f wide and %d high", p, wide, high)
		}
	}
}

// A lamp at the side, or a shadow on the sheet, is not read as ink.
func TestUnevenLight(t *testing.T) {
	even := image.NewGray(whole)
	paint(18, func(x, y int, ink byte) { even.SetGray(x, y, color.Gray{255 - ink}) })
	side := float64(whole.Dx())
	for name, light := range map[string]func(x, y int) float64{
		"a lamp":     func(x, y int) float64 { return 1 - 0.6*float64(x)/side },
		"a corner":   func(x, y int) float64 { return 1 - 0.35*float64(x+y)/side },
		"a shadow":   func(x, y int) float64 { return 0.8 - 0.3*min(max((float64(x)-0.55*side)/12, -0.5), 0.5) },
		"even light": func(x, y int) float64 { return 0.9 },
	} {
		dark := image.NewGray(whole)
		for i, v := range even.Pix {
			lit := light(i%even.Stride, i/even.Stride)
			dark.Pix[i] = byte(float64(v) * lit)
		}
		for _, p := range []Procedure{EMNIST, MNIST} {
			want := mustRead(t, even, p)
			if got := mustRead(t, dark, p); meanDifference(got.Pixels[:], want.Pixels[:]) > 6 || !got.Dark {
				t.Errorf("%s, %s: differs by %.1f levels on average", p, name, meanDifference(got.Pixels[:], want.Pixels[:]))
			}
		}
	}
}

// MNIST's own pictures stay nearly what they are.
func TestPictureOfMNIST(t *testing.T) {
	d, err := embedded.Test()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	const pictures = 50
	for i := range pictures {
		pixels, _, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		r := mustRead(t, &image.Gray{Pix: pixels, Stride: Size, Rect: image.Rect(0, 0, Size, Size)}, MNIST)
		sum += meanDifference(r.Pixels[:], pixels) / pictures
	}
	if sum > 8 {
		t.Errorf("MNIST's pictures change by %.1f levels on average, want less than 8", sum)
	}
}

func TestOddPictures(t *testing.T) {
	uniform := func(w, h int, c color.Color) image.Image {
		img := image.NewNRGBA(image.Rect(0, 0, w, h))
		draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		return img
	}
	noisy := image.NewGray(image.Rect(0, 0, 100, 80))
	for i := range noisy.Pix {
		noisy.Pix[i] = byte(240 - i*7%20)
	}
	column := image.NewGray(image.Rect(0, 0, 1, 3000))
	column.Pix[1500] = 255
	for _, p := range Procedures() {
		for _, c := range []struct {
			name  string
			img   image.Image
			empty bool
		}{
			{"1x1 black", uniform(1, 1, color.Black), p != Tutorial},
			{"all white", uniform(90, 30, color.White), true},
			{"all transparent", uniform(30, 90, color.Transparent), true},
			{"paper with noise", noisy, p != Tutorial},
			{"1x3000", column, false},
		} {
			r := mustRead(t, c.img, p, WithSteps)
			if r.Empty != c.empty {
				t.Errorf("%s, %s: Empty is %v", p, c.name, r.Empty)
			}
		}
		for name, size := range map[string]image.Rectangle{"no pixels": {}, "too many": image.Rect(0, 0, 20_000, 20_000), "overflow": image.Rect(0, 0, 1<<40, 1<<40)} {
			if _, err := FromPicture(claimed(size), p); err == nil || !strings.Contains(err.Error(), "pixels, want") {
				t.Errorf("%s, %s: error %v", p, name, err)
			}
		}
	}
	if _, err := FromPicture(noisy, "jpeg"); err == nil {
		t.Error("an unknown procedure is taken")
	}
}

// claimed is a picture of a size that needs no memory.
type claimed image.Rectangle

func (claimed) ColorModel() color.Model   { return color.GrayModel }
func (c claimed) Bounds() image.Rectangle { return image.Rectangle(c) }
func (claimed) At(int, int) color.Color   { return color.Black }

func TestStepsOfPictures(t *testing.T) {
	img := image.NewGray(whole)
	paint(18, func(x, y int, ink byte) { img.SetGray(x, y, color.Gray{255 - ink}) })
	for p, want := range map[Procedure]string{
		EMNIST:   "drawing invert crop centre blur scale",
		MNIST:    "drawing invert crop scale centre",
		Tutorial: "drawing scale invert",
	} {
		r := mustRead(t, img, p, WithSteps)
		var names []string
		for _, s := range r.Steps {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: steps are %s, want %s", p, got, want)
		}
		if last := r.Steps[len(r.Steps)-1].Image; !slices.Equal(last.Pix, r.Pixels[:]) {
			t.Errorf("%s: the last step is not the result", p)
		}
		if first := r.Steps[0].Image; first.Pix[0] != 255 {
			t.Errorf("%s: the drawing is not as it came: its corner is %d, want 255", p, first.Pix[0])
		}
	}
}

// The tutorial's preprocessing in Pillow, on pictures that Pillow drew. Where a
// picture is partly transparent, Pillow rounds differently when it puts it on
// paper.
func TestTutorialEqualsPillow(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join(realdata.Pillow(t), "image", "*_0_input.png"))
	if err != nil || len(inputs) != 14 {
		t.Fatalf("%d pictures, %v, want 14", len(inputs), err)
	}
	for _, input := range inputs {
		r := mustRead(t, readPNG(t, input), Tutorial)
		want := readPNG(t, strings.Replace(input, "_0_input", "_3_resize28", 1)).(*image.Gray)
		invert(want)
		if most := farthest(r.Pixels[:], want.Pix); most > 1 {
			t.Errorf("%s: a pixel is off by %d, want 1 at most", filepath.Base(input), most)
		}
	}
}

func invert(gray *image.Gray) {
	for i, v := range gray.Pix {
		gray.Pix[i] = 255 - v
	}
}

func FuzzFromPicture(f *testing.F) {
	f.Add([]byte{0, 0, 0, 255}, 1, false)
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 255, 9, 9, 9, 0}, 3, true)
	f.Add([]byte(strings.Repeat("ab~\xff", 400)), 20, true)
	f.Fuzz(func(t *testing.T, pix []byte, width int, alpha bool) {
		width = min(max(width, 1), 200)
		height := len(pix) / 4 / width
		if height == 0 {
			return
		}
		var img image.Image = &image.NRGBA{Pix: pix, Stride: 4 * width, Rect: image.Rect(0, 0, width, height)}
		if !alpha {
			img = &image.Gray{Pix: pix, Stride: 4 * width, Rect: image.Rect(0, 0, width, height)}
		}
		for _, p := range Procedures() {
			r := mustRead(t, img, p, WithSteps)
			if r.Empty != (slices.Max(r.Pixels[:]) == 0) {
				t.Errorf("%s: Empty is %v, but the lightest pixel is %d", p, r.Empty, slices.Max(r.Pixels[:]))
			}
		}
	})
}

func BenchmarkFromPicture(b *testing.B) {
	img := image.NewNRGBA(whole)
	paint(18, func(x, y int, ink byte) { img.SetNRGBA(x, y, color.NRGBA{0, 0, 0, ink}) })
	for _, p := range Procedures() {
		b.Run(string(p), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustRead(b, img, p)
			}
		})
	}
}
