package plot

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// noise returns a picture of so many colours that lies beside the origin.
func noise(width, height, colours int) *image.RGBA {
	r := rand.New(rand.NewPCG(1, 2))
	palette := make([]color.RGBA, colours)
	for i := range palette {
		palette[i] = color.RGBA{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 255}
	}
	img := image.NewRGBA(image.Rect(-3, 5, width-3, height+5))
	for y := range height {
		for x := range width {
			img.SetRGBA(x-3, y+5, palette[r.IntN(colours)])
		}
	}
	return img
}

// atOrigin is a picture moved to begin at (0, 0).
func atOrigin(img image.Image) image.Image {
	b := img.Bounds()
	moved := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			moved.Set(x, y, img.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return moved
}

func drawn(t *testing.T, g Graphics, img image.Image, columns int) string {
	t.Helper()
	var b strings.Builder
	if err := g.Draw(&b, img, columns); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// decodePNG decodes a picture in base64.
func decodePNG(t *testing.T, text string) image.Image {
	t.Helper()
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestKittySendsThePictureInChunks(t *testing.T) {
	img := noise(90, 70, 1000)
	got := drawn(t, Kitty, img, 80)
	chunks := regexp.MustCompile(`\x1b_G([^;]*);([^\x1b]*)\x1b\\`).FindAllStringSubmatch(got, -1)
	if len(chunks) < 3 {
		t.Fatalf("%d chunks in %q", len(chunks), got)
	}
	whole, payload := "", ""
	for i, c := range chunks {
		want := "q=2,m=1"
		switch i {
		case 0:
			want = "f=100,q=2,a=T,m=1"
		case len(chunks) - 1:
			want = "q=2,m=0"
		}
		if c[1] != want || len(c[2]) > 4096 || i < len(chunks)-1 && len(c[2])%4 != 0 {
			t.Errorf("chunk %d has the keys %s, want %s, and %d bytes", i, c[1], want, len(c[2]))
		}
		whole += c[0]
		payload += c[2]
	}
	if got != whole+"\n" {
		t.Error("something is sent besides the chunks and the end of the line")
	}
	sameImage(t, decodePNG(t, payload), atOrigin(img))

	if got := drawn(t, Kitty, img, 11); !strings.HasPrefix(got, "\x1b_Gf=100,q=2,c=11,") {
		t.Errorf("a picture wider than 11 columns begins with %.40q", got)
	}
}

func TestITerm2SendsThePicture(t *testing.T) {
	img := noise(20, 10, 1000)
	for columns, width := range map[int]string{3: "", 2: "width=2;"} {
		got := drawn(t, ITerm2, img, columns)
		parts := regexp.MustCompile(`^\x1b\]1337;File=size=(\d+);` + width + `inline=1:([^\x07]*)\x07\n$`).FindStringSubmatch(got)
		if parts == nil {
			t.Errorf("%d columns: %q", columns, got)
			continue
		}
		if size, _ := strconv.Atoi(parts[1]); size != base64.StdEncoding.DecodedLen(len(parts[2]))-strings.Count(parts[2], "=") {
			t.Errorf("%d columns: size=%d for %d characters", columns, size, len(parts[2]))
		}
		sameImage(t, decodePNG(t, parts[2]), atOrigin(img))
	}
}

// decodeSixel draws what lies between the introducer and the end of a sixel
// sequence, as DEC's VT330/VT340 Programmer Reference Manual (chapter 14) says.
func decodeSixel(t *testing.T, payload string) *image.RGBA {
	t.Helper()
	parts := regexp.MustCompile(`"1;1;(\d+);(\d+)|#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|(\$)|(-)`).FindAllStringSubmatch(payload, -1)
	number := func(s string) int {
		v, _ := strconv.Atoi(s)
		return v
	}
	var img *image.RGBA
	var palette [256]color.RGBA
	var x, y, colour, length int
	for _, p := range parts {
		length += len(p[0])
		switch {
		case p[1] != "":
			img = image.NewRGBA(image.Rect(0, 0, number(p[1]), number(p[2])))
		case p[3] != "":
			colour = number(p[3])
			if p[4] != "" {
				level := func(s string) byte { return byte((number(s)*255 + 50) / 100) }
				palette[colour] = color.RGBA{level(p[4]), level(p[5]), level(p[6]), 255}
			}
		case p[10] != "":
			x = 0
		case p[11] != "":
			x, y = 0, y+6
		default:
			times, bits := max(number(p[7]), 1), (p[8] + p[9])[0]-'?'
			for range times {
				for i := range 6 {
					if bits>>i&1 == 1 {
						img.SetRGBA(x, y+i, palette[colour])
					}
				}
				x++
			}
		}
	}
	if img == nil || length != len(payload) {
		t.Fatalf("%d of %d bytes are sixels: %.60q", length, len(payload), payload)
	}
	return img
}

// Sixel has 101 levels, and 256 colours: fewer come out as they are.
func TestSixelKeepsThePicture(t *testing.T) {
	for _, test := range []struct{ colours, columns, width, tolerance int }{
		{256, 5, 33, 2}, // 101 levels lie 2.55 apart
		{4, 5, 33, 2},
		{2000, 5, 33, 60},
		{4, 3, 17, 256}, // halved
	} {
		img := noise(33, 20, test.colours)
		got := drawn(t, Sixel, img, test.columns)
		payload, found := strings.CutPrefix(got, "\x1bP0;1q")
		payload, ended := strings.CutSuffix(payload, "\x1b\\\n")
		if !found || !ended || strings.ContainsFunc(payload, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%d colours: %.60q", test.colours, got)
		}
		back := decodeSixel(t, payload)
		want := shrink(img, test.columns*CellWidth)
		if back.Rect != want.Rect || back.Rect.Dx() != test.width {
			t.Errorf("%d colours: %v, want %v", test.colours, back.Rect, want.Rect)
			continue
		}
		for y := range want.Rect.Dy() {
			for x := range want.Rect.Dx() {
				g, w := back.RGBAAt(x, y), want.RGBAAt(x, y)
				if off := max(distance(g.R, w.R), distance(g.G, w.G), distance(g.B, w.B)); off > test.tolerance {
					t.Fatalf("%d colours: pixel (%d, %d) is %v, want %v", test.colours, x, y, g, w)
				}
			}
		}
	}
}

func distance(a, b byte) int { return max(int(a)-int(b), int(b)-int(a)) }

func TestDrawWithoutGraphics(t *testing.T) {
	img := noise(4, 4, 9)
	if got := drawn(t, None, img, 80); got != "" {
		t.Errorf("None draws %q", got)
	}
	var b strings.Builder
	if err := Terminal(&b, img, 80); err != nil || drawn(t, Blocks, img, 80) != b.String() {
		t.Errorf("Blocks draws not what Terminal does: %v", err)
	}
	for g := Blocks; g <= Kitty; g++ {
		if err := g.Draw(full{}, img, 0); err == nil || !strings.Contains(err.Error(), "0 columns") {
			t.Errorf("%v in 0 columns: %v", g, err)
		}
		if err := g.Draw(full{}, img, 80); err != errDisk {
			t.Errorf("%v: failed write: %v", g, err)
		}
	}
	if err := Graphics(9).Draw(&b, img, 80); err == nil || !strings.Contains(err.Error(), "Graphics(9)") {
		t.Errorf("unknown graphics: %v", err)
	}
}

func TestDetectGraphics(t *testing.T) {
	for _, test := range []struct {
		environment string
		want        Graphics
	}{
		{"TERM=xterm-256color", Blocks},
		{"", Blocks},
		{"TERM=dumb", None},
		{"TERM=xterm-kitty", Kitty},
		{"TERM=xterm-256color KITTY_WINDOW_ID=1", Kitty},
		{"TERM=xterm-ghostty", Kitty},
		{"TERM=xterm-256color TERM_PROGRAM=ghostty", Kitty},
		{"TERM=xterm-256color KONSOLE_VERSION=230801", Kitty},
		{"TERM=xterm-256color KONSOLE_VERSION=210800", Blocks},
		{"TERM=xterm-256color TERM_PROGRAM=iTerm.app", ITerm2},
		{"TERM=xterm-256color LC_TERMINAL=iTerm2", ITerm2},
		{"TERM=xterm-256color TERM_PROGRAM=WezTerm", ITerm2},
		{"TERM=xterm TERM_PROGRAM=mintty", ITerm2},
		{"TERM=foot", Sixel},
		{"TERM=foot-extra", Sixel},
		{"TERM=mlterm", Sixel},
		{"TERM=xterm-sixel", Sixel},
		{"TERM=xterm-256color TERM_PROGRAM=Apple_Terminal", None},
		{"TERM=xterm-256color TERM_PROGRAM=Apple_Terminal COLORTERM=truecolor", Blocks},
		{"TERM=xterm-256color NO_COLOR=1", None},
		{"TERM=xterm-kitty NO_COLOR=1", Kitty},
		{"TERM=tmux-256color TMUX=/tmp/tmux-0 KITTY_WINDOW_ID=1", Blocks},
		{"TERM=screen.xterm-256color TERM_PROGRAM=iTerm.app", Blocks},
	} {
		values := map[string]string{}
		for _, v := range strings.Fields(test.environment) {
			name, value, _ := strings.Cut(v, "=")
			values[name] = value
		}
		if got := DetectGraphics(func(name string) string { return values[name] }); got != test.want {
			t.Errorf("%q: %v, want %v", test.environment, got, test.want)
		}
	}
}

func TestGraphicsHaveNames(t *testing.T) {
	for g := None; g <= Kitty; g++ {
		if back, err := ParseGraphics(g.String()); err != nil || back != g {
			t.Errorf("%v is read as %v, %v", g, back, err)
		}
	}
	if _, err := ParseGraphics("regis"); err == nil || !strings.Contains(err.Error(), `"regis": choose one of none, blocks, sixel, iterm2, kitty`) {
		t.Errorf("unknown name: %v", err)
	}
}
