package reading

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"sync"

	"inkling/picture"
)

// Decode decodes a picture and hands it to a function. What is wrong with it is a Problem.
func Decode(ctx context.Context, decoder *picture.Decoder, file []byte, see func(image.Image) error) error {
	err := decoder.Use(ctx, file, func(img image.Image, _ picture.Head) error { return see(img) })
	var unreadable *picture.Error
	switch {
	case !errors.As(err, &unreadable):
		return err
	case unreadable.Reason == picture.Busy:
		return Problemf(Unavailable, "there is no memory for the picture now, as others are being decoded: %w", err)
	case unreadable.Reason == picture.Unknown && unreadable.Format == "":
		return Problemf(Unprocessable, "the picture is of no known format, want %s", decoder.Formats())
	case unreadable.Reason == picture.TooLarge:
		return Problemf(TooLarge, "the picture %w", err)
	}
	return Problemf(Unprocessable, "the picture %w", err)
}

// FromDataURL decodes the picture in a data URL (RFC 2397), or one in base64
// alone. It forgives what happens to base64 on its way: the alphabet for URLs,
// plus signs that became spaces, line breaks, and padding that was cut.
func FromDataURL(text string) ([]byte, error) {
	if head, rest, found := strings.Cut(text, ","); found && strings.HasPrefix(strings.ToLower(head), "data:") {
		if rest != "" && !strings.HasSuffix(strings.ToLower(head), ";base64") {
			return nil, Problemf(BadRequest, "image is a data URL without base64, want data:image/png;base64,...")
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
		return nil, Problemf(BadRequest, "image is no base64, want a data URL such as data:image/png;base64,...: %s", reason)
	}
	return file[:n], nil
}

var base64Repairs = strings.NewReplacer("-", "+", "_", "/", " ", "+", "\n", "", "\r", "", "\t", "")

// encoder writes PNG without compressing, which would take longer than all else.
var encoder = png.Encoder{CompressionLevel: png.NoCompression, BufferPool: &pngBuffers{}}

type pngBuffers struct{ pool sync.Pool }

func (p *pngBuffers) Get() *png.EncoderBuffer {
	buffer, _ := p.pool.Get().(*png.EncoderBuffer)
	return buffer
}

func (p *pngBuffers) Put(buffer *png.EncoderBuffer) { p.pool.Put(buffer) }

// ToPNG encodes a picture. It cannot fail for one that is not empty.
func ToPNG(img image.Image) []byte {
	var b bytes.Buffer
	if err := encoder.Encode(&b, img); err != nil {
		panic("reading: " + err.Error())
	}
	return b.Bytes()
}

// DataURL is a picture as a data URL (RFC 2397), a PNG.
func DataURL(img image.Image) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(ToPNG(img))
}
