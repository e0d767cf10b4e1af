package web

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"net/http"
	"strings"
	"time"

	"inkling/picture"
)

// pictureLimits are those for pictures from the public. Formats are those that
// browsers show.
var pictureLimits = picture.Limits{
	Bytes:   maxFile,
	Pixels:  50_000_000, // of a good telephone, if it fits into the memory
	Memory:  96 << 20,   // of all pictures that are being decoded
	Formats: []string{"png", "jpeg", "gif", "webp", "bmp"},
	Wait:    3 * time.Second,
}

// pictures decodes pictures within limits of all of them together.
type pictures struct{ *picture.Decoder }

// use decodes a picture and hands it to a function.
func (p *pictures) use(ctx context.Context, file []byte, see func(image.Image) error) error {
	err := p.Use(ctx, file, func(img image.Image, _ picture.Head) error { return see(img) })
	var unreadable *picture.Error
	switch {
	case !errors.As(err, &unreadable):
		return err
	case unreadable.Reason == picture.Busy:
		return errBusy
	case unreadable.Reason == picture.Unknown && unreadable.Format == "":
		return problemf(http.StatusUnprocessableEntity, "the picture is of no known format, want %s", p.Formats())
	case unreadable.Reason == picture.TooLarge:
		return problemf(http.StatusRequestEntityTooLarge, "the picture %w", err)
	}
	return problemf(http.StatusUnprocessableEntity, "the picture %w", err)
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
		reason := "it ends in the middle"
		if at, ok := err.(base64.CorruptInputError); ok && int(at) < len(clean) && len(clean)%4 != 1 {
			reason = fmt.Sprintf("character %d, %q, does not belong there", int(at)+1, clean[at])
		}
		return nil, problemf(http.StatusBadRequest, "image is no base64, want a data URL such as data:image/png;base64,...: %s", reason)
	}
	return file[:n], nil
}

var base64Repairs = strings.NewReplacer("-", "+", "_", "/", " ", "+", "\n", "", "\r", "", "\t", "")
