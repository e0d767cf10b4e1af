package plot

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/iterm2"
	"github.com/charmbracelet/x/ansi/kitty"
	"github.com/charmbracelet/x/ansi/sixel"
)

// Graphics is a way to show a picture in a terminal.
type Graphics int

// Kitty is the graphics protocol of kitty
// (https://sw.kovidgoyal.net/kitty/graphics-protocol/), ITerm2 the inline images
// of iTerm2 (https://iterm2.com/documentation-images.html), Sixel the bitmaps of
// DEC's terminals, with 256 colours of 101 levels, and Blocks what [Terminal]
// draws. None draws nothing.
const (
	None Graphics = iota
	Blocks
	Sixel
	ITerm2
	Kitty
)

var graphicsNames = [...]string{"none", "blocks", "sixel", "iterm2", "kitty"}

// String returns the name in lower case.
func (g Graphics) String() string {
	if g < 0 || int(g) >= len(graphicsNames) {
		return fmt.Sprintf("Graphics(%d)", int(g))
	}
	return graphicsNames[g]
}

// ParseGraphics returns the way of a name: none, blocks, sixel, iterm2 or kitty.
func ParseGraphics(name string) (Graphics, error) {
	for g, n := range graphicsNames {
		if n == name {
			return Graphics(g), nil
		}
	}
	return None, fmt.Errorf("a terminal shows no graphics %q: choose one of %s", name, strings.Join(graphicsNames[:], ", "))
}

// DetectGraphics returns the best way that the terminal is known to have, going
// by its environment: TERM, which travels through SSH, and what terminals set
// besides. An unknown one is taken to have 24-bit colours, for Blocks, as almost
// all have. Within tmux and screen, which pass no graphics on, they are all there
// is.
func DetectGraphics(getenv func(string) string) Graphics {
	term, program := getenv("TERM"), getenv("TERM_PROGRAM")
	has := func(part string) bool { return strings.Contains(term, part) }
	switch {
	case term == "dumb":
		return None
	case getenv("TMUX") != "" || strings.HasPrefix(term, "tmux") || strings.HasPrefix(term, "screen"):
		// The variables of the terminal outside are still there.
	case has("kitty") || has("ghostty") || program == "ghostty" || getenv("KITTY_WINDOW_ID") != "",
		getenv("KONSOLE_VERSION") >= "220400": // six digits
		return Kitty
	case program == "iTerm.app" || program == "WezTerm" || program == "mintty" || getenv("LC_TERMINAL") == "iTerm2":
		return ITerm2
	case has("sixel") || has("mlterm") || has("contour") || term == "foot" || strings.HasPrefix(term, "foot-"):
		return Sixel
	case program == "Apple_Terminal" && getenv("COLORTERM") == "":
		return None // it takes the numbers of 24-bit colours for others
	}
	if getenv("NO_COLOR") != "" { // https://no-color.org
		return None
	}
	return Blocks
}

// CellWidth is how many pixels the column of a terminal is taken to have. It is
// rather too small, so that what fits by it does fit.
const CellWidth = 8

// Draw draws a picture in a terminal and ends the line. A picture wider than
// columns, of [CellWidth] pixels but for Blocks, is made smaller.
func (g Graphics) Draw(w io.Writer, img image.Image, columns int) error {
	if g == None {
		return nil
	}
	if err := checkDrawing(img, columns); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	wide := img.Bounds().Dx() > columns*CellWidth
	switch g {
	case Blocks:
		return Terminal(w, img, columns)
	case Sixel:
		var payload bytes.Buffer
		if err := new(sixel.Encoder).Encode(&payload, shrink(img, columns*CellWidth)); err != nil {
			return err
		}
		out.WriteString(ansi.SixelGraphics(0, 1, 0, payload.Bytes()))
	case ITerm2:
		var content bytes.Buffer
		if err := png.Encode(&content, img); err != nil {
			return err
		}
		file := iterm2.File{
			Size: int64(content.Len()), Inline: true,
			Content: []byte(base64.StdEncoding.EncodeToString(content.Bytes())),
		}
		if wide {
			file.Width = iterm2.Cells(columns)
		}
		out.WriteString(ansi.ITerm2(file))
	case Kitty:
		options := kitty.Options{
			Action: kitty.TransmitAndPut, Transmission: kitty.Direct, Format: kitty.PNG, Chunk: true,
			Quiet: 2, // an answer would look as if it were typed
		}
		if wide {
			options.Columns = columns
		}
		if err := kitty.EncodeGraphics(out, img, &options); err != nil {
			return err
		}
	default:
		return fmt.Errorf("there are no graphics %v", g)
	}
	out.WriteByte('\n')
	return out.Flush()
}
