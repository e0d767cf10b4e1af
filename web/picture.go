package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	_ "image/gif" // formats register themselves
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"slices"
	"strings"
	"time"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

const (
	// maxPicturePixels is how many pixels a picture may have: those of a good
	// telephone. A file of 50 kB may ask for 400 million.
	maxPicturePixels = 16_000_000
	// maxPictures is the memory for all pictures that are being decoded.
	maxPictures = 96 << 20
	// pictureWait is how long a picture waits for memory.
	pictureWait = 3 * time.Second
)

// pictureFormats are the formats that are taken, those that browsers show. The
// command has others registered, which are not meant for the public.
var pictureFormats = []string{"png", "jpeg", "gif", "webp", "bmp"}

// pictures decodes pictures within a limit of memory of all of them together.
type pictures struct{ memory *semaphore.Weighted }

// use decodes a picture and hands it to a function. Whatever else it says, the
// picture's size is looked at before it is decoded.
func (p *pictures) use(ctx context.Context, file []byte, see func(image.Image) error) error {
	if len(file) == 0 {
		return problemf(http.StatusUnprocessableEntity, "the picture is empty: it has 0 bytes")
	}
	if len(file) > maxFile {
		return problemf(http.StatusRequestEntityTooLarge, "the picture's file has %d bytes, and %d are the most that is taken", len(file), maxFile)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(file))
	switch {
	case errors.Is(err, image.ErrFormat) || !slices.Contains(pictureFormats, format):
		return problemf(http.StatusUnprocessableEntity, "the picture is of no known format, want PNG, JPEG, GIF, WebP or BMP")
	case err != nil:
		return problemf(http.StatusUnprocessableEntity, "the picture is damaged: %w", err)
	case config.Width < 1 || config.Height < 1:
		return problemf(http.StatusUnprocessableEntity, "the picture has %d x %d pixels, want at least one", config.Width, config.Height)
	case config.Height > maxPicturePixels/config.Width:
		return problemf(http.StatusRequestEntityTooLarge, "the picture has %d x %d pixels, and %d in all are the most that is taken; make it smaller", config.Width, config.Height, maxPicturePixels)
	}
	memory := pictureMemory(config, format, file)
	if memory > maxPictures {
		return problemf(http.StatusRequestEntityTooLarge, "the picture of %d x %d pixels would take %d MB when it is decoded, and %d are the most; make it smaller, or save it with 8 bits a channel and not progressively", config.Width, config.Height, memory>>20, maxPictures>>20)
	}
	waiting, cancel := context.WithTimeout(ctx, pictureWait)
	defer cancel()
	if p.memory.Acquire(waiting, memory) != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return errBusy
	}
	defer p.memory.Release(memory)
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil && isAnimatedWebP(file) {
		return problemf(http.StatusUnprocessableEntity, "the picture is an animated WebP, which is not taken; save one of its pictures, or an animated GIF or PNG")
	}
	if err != nil {
		return problemf(http.StatusUnprocessableEntity, "the picture begins as %s, but is damaged: %w", strings.ToUpper(format), err)
	}
	if img.Bounds().Empty() {
		return problemf(http.StatusUnprocessableEntity, "the picture has no pixels")
	}
	if format == "jpeg" {
		img = turn(img, orientation(file))
	}
	return see(img)
}

// pictureMemory is about what decoding and looking at a picture takes.
func pictureMemory(config image.Config, format string, file []byte) int64 {
	each := int64(4)
	switch config.ColorModel {
	case color.GrayModel:
		each = 1
	case color.RGBA64Model, color.NRGBA64Model:
		each = 8
	}
	if format == "jpeg" && progressive(file) {
		each += 12 // the coefficients of three channels, four bytes each
	}
	return int64(config.Width) * int64(config.Height) * (each + 2) // and two to be gray, with how opaque it is
}

// isAnimatedWebP looks at the first chunk after the header of the RIFF container
// (https://developers.google.com/speed/webp/docs/riff_container).
func isAnimatedWebP(file []byte) bool {
	const flagsAt, animation = 20, 0x02
	return len(file) > flagsAt && string(file[8:16]) == "WEBPVP8X" && file[flagsAt]&animation != 0
}

// fromDataURL decodes the picture in a data URL (RFC 2397), or one in base64
// alone. It forgives what happens to base64 on its way: the alphabet for URLs,
// plus signs that became spaces, line breaks, and padding that was cut.
func fromDataURL(text string) ([]byte, error) {
	if head, rest, found := strings.Cut(text, ","); found && strings.HasPrefix(strings.ToLower(head), "data:") {
		if rest != "" && !strings.HasSuffix(strings.ToLower(head), ";base64") {
			return nil, problemf(http.StatusBadRequest, "image is a data URL without base64, want data:image/png;base64,...")
		}
		text = rest
	}
	file := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	clean := strings.TrimRight(strings.TrimSpace(base64Repairs.Replace(text)), "=")
	n, err := base64.RawStdEncoding.Decode(file, []byte(clean))
	if err != nil {
		return nil, problemf(http.StatusBadRequest, "image is no base64, want a data URL such as data:image/png;base64,...: %w", err)
	}
	return file[:n], nil
}

var base64Repairs = strings.NewReplacer("-", "+", "_", "/", " ", "+", "\n", "", "\r", "", "\t", "")
