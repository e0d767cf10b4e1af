package web

import (
	"context"
	"errors"
	"image"
	"time"

	"inkling/picture"
	"inkling/web/reading"
)

// pictureLimits are those for pictures from the public; who sends one may have to wait.
var pictureLimits = func() picture.Limits {
	l := reading.PictureLimits
	l.Wait = 3 * time.Second
	return l
}()

// pictures decodes pictures within limits of all of them together.
type pictures struct{ *picture.Decoder }

// use decodes a picture and hands it to a function.
func (p *pictures) use(ctx context.Context, file []byte, see func(image.Image) error) error {
	err := reading.Decode(ctx, p.Decoder, file, see)
	if unreadable := (*picture.Error)(nil); errors.As(err, &unreadable) && unreadable.Reason == picture.Busy {
		return errBusy
	}
	return err
}
