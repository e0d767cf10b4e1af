package plot

import (
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"
)

// pixels returns a gray picture whose first pixel lies at (3, 4).
func pixels(width int, levels ...byte) *image.Gray {
	img := image.NewGray(image.Rect(3, 4, 3+width, 4+len(levels)/width))
	copy(img.Pix, levels)
	return img
}

func TestTerminal(t *testing.T) {
	red := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	red.Set(0, 0, color.NRGBA{R: 255, A: 128})
	tests := []struct {
		name    string
		img     image.Image
		columns int
		want    string
	}{
		{"two rows a line", pixels(1, 10, 20), 80, "\x1b[38;2;10;10;10m\x1b[48;2;20;20;20m▀\x1b[0m\n"},
		{"odd height", pixels(1, 1, 2, 3), 80, "\x1b[38;2;1;1;1m\x1b[48;2;2;2;2m▀\x1b[0m\n\x1b[38;2;3;3;3m▀\x1b[0m\n"},
		{"a colour is said once", pixels(3, 0, 0, 9, 5, 5, 5), 80, "\x1b[38;2;0;0;0m\x1b[48;2;5;5;5m▀▀\x1b[38;2;9;9;9m▀\x1b[0m\n"},
		{"halved", pixels(4, 10, 20, 0, 0, 30, 40, 0, 4), 3, "\x1b[38;2;25;25;25m▀\x1b[38;2;1;1;1m▀\x1b[0m\n"},
		{"halved, odd", pixels(3, 10, 20, 7, 30, 40, 9), 2, "\x1b[38;2;25;25;25m▀\x1b[38;2;8;8;8m▀\x1b[0m\n"},
		{"half transparent red", red, 1, "\x1b[38;2;128;0;0m▀\x1b[0m\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := Terminal(&b, test.img, test.columns); err != nil || b.String() != test.want {
				t.Errorf("%q, %v, want %q", b.String(), err, test.want)
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errDisk }

var errDisk = errors.New("no space left")

func TestTerminalRefuses(t *testing.T) {
	if err := Terminal(full{}, pixels(1, 1), 0); err == nil || !strings.Contains(err.Error(), "0 columns") {
		t.Errorf("no columns: %v", err)
	}
	if err := Terminal(full{}, image.NewGray(image.Rectangle{}), 80); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("empty picture: %v", err)
	}
	if err := Terminal(full{}, pixels(1, 1), 80); !errors.Is(err, errDisk) {
		t.Errorf("failed write: %v", err)
	}
}
