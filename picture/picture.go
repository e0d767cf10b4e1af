// Package picture is the one way in for a picture from outside: a file of a
// format that people have, of which nothing is believed.
//
// A [Decoder] has limits. It looks at a file's head first, and at how much memory
// and work the rest will ask for; what is out of proportion is refused before
// anything is decoded, and what is decoded can be stopped. So no file costs more
// than its bytes and its pixels account for.
//
// What comes out is the picture as a viewer shows it: turned as EXIF says, the
// first frame of an animation. Very large pictures are made smaller, see
// [MostKept]. [Gray] and [Flat] show transparent ones on paper.
package picture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"inkling/internal/wording"
)

// Limits say what is taken. They hold for every picture, but for Memory, which is
// that of all pictures that a Decoder has at work at once.
type Limits struct {
	// Bytes is how large a file may be.
	Bytes int64
	// Pixels is how many pixels a picture may have, width times height.
	Pixels int
	// Memory is how many bytes decoding may take, the decoded picture included.
	Memory int64
	// Formats are the names of the formats that are taken; nil means all.
	Formats []string
	// Wait is how long a picture waits for memory that others hold; 0 means for
	// as long as its context lets it.
	Wait time.Duration
}

// Own are the limits for a person's own files: photographs of 200 megapixels, as
// telephones take them, within 1 GiB. Of progressive JPEGs with colours at half
// the resolution that is enough for 140 megapixels.
var Own = Limits{Bytes: 256 << 20, Pixels: 250_000_000, Memory: 1 << 30}

// Shared returns the decoder of a person's own files, with the limits Own. There is
// one, so that all that decode at once share its memory.
var Shared = sync.OnceValue(func() *Decoder { return NewDecoder(Own) })

// MostSide is how long the longer side of a picture may be. No JPEG or GIF has a
// longer one.
const MostSide = 65_535

// MostKept is how many pixels a decoded picture has at most. A larger one is made
// smaller by a whole number, every pixel the mean of those it stands for: no
// network reads so many, and everything that looks at it would take as long as
// decoding it did.
const MostKept = 16_000_000

// A Decoder decodes pictures within limits. Its methods may be called from several
// goroutines at once.
type Decoder struct {
	limits Limits
	memory *semaphore.Weighted
}

// NewDecoder returns a decoder. All limits but Formats and Wait must be above 0.
func NewDecoder(l Limits) *Decoder {
	if l.Bytes < 1 || l.Pixels < 1 || l.Memory < 1 {
		panic(fmt.Sprintf("picture: the limits are %+v, want all above 0", l))
	}
	return &Decoder{l, semaphore.NewWeighted(l.Memory)}
}

// Limits returns what the decoder was made with.
func (d *Decoder) Limits() Limits { return d.limits }

// A Head is what is known of a picture before it is decoded.
type Head struct {
	// Format is the name of the file's format: png, jpeg, gif, bmp, tiff, webp.
	Format string
	// Width and Height are the picture's as a viewer shows it.
	Width, Height int
	// Orientation is EXIF's, 1 to 8: how the stored picture is to be turned.
	Orientation int
	// Gray tells that the file has no colours.
	Gray bool
	// Memory is how many bytes decoding it and looking at it take, at most.
	Memory int64
	// Work is how many samples the decoder visits: those of the picture, as often
	// as they are visited.
	Work int64

	stored image.Point // the size before it is turned
	stops  []int       // where in the file the decoder is asked whether to go on
	hint   string      // how the picture could take less memory
}

// Read reads a file, not more of it than is taken.
func (d *Decoder) Read(r io.Reader) ([]byte, error) {
	file, err := io.ReadAll(io.LimitReader(r, d.limits.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return file, d.checkBytes(file)
}

func (d *Decoder) checkBytes(file []byte) error {
	switch n := int64(len(file)); {
	case n == 0:
		return errorf(Empty, "", "is empty: it has 0 bytes")
	case n > d.limits.Bytes:
		return errorf(TooLarge, "", "has more than %s, which is more than a picture's file may have here", megabytes(d.limits.Bytes))
	}
	return nil
}

// megabytes is a number of bytes as people say it.
func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MB", n>>20)
}

// Head looks at a file without decoding it. Its error is one of those of Decode.
func (d *Decoder) Head(file []byte) (Head, error) {
	h, _, err := d.head(file)
	return h, err
}

func (d *Decoder) head(file []byte) (h Head, f *format, err error) {
	if err := d.checkBytes(file); err != nil {
		return h, nil, err
	}
	f = sniff(file)
	if f == nil || d.limits.Formats != nil && !slices.Contains(d.limits.Formats, f.name) {
		return h, nil, d.unknown(file, f)
	}
	h.Format, h.Orientation = f.name, 1
	if err := guarded(func() error { return f.head(file, &h) }); err != nil {
		return h, nil, explain(f, err, "cannot be read")
	}
	width, height := h.Width, h.Height
	h.stored = image.Pt(width, height)
	switch {
	case width < 1 || height < 1:
		return h, nil, errorf(Damaged, f.title, "has %dx%d pixels, want at least 1x1", width, height)
	case height > d.limits.Pixels/width:
		return h, nil, errorf(TooLarge, f.title, "has %dx%d pixels, want at least 1 and at most %s in all: make it smaller", width, height, wording.Thousands(d.limits.Pixels))
	case max(width, height) > MostSide:
		return h, nil, errorf(TooLarge, f.title, "has %dx%d pixels, want sides of %d at most", width, height, MostSide)
	}
	if h.Orientation < 1 || h.Orientation > 8 {
		h.Orientation = 1
	}
	if h.Orientation >= 5 {
		h.Width, h.Height = height, width
	}
	kept := int64(width) * int64(height)
	if by := int64(factor(width, height)); by > 1 {
		kept /= by * by
		h.Memory += 4 * kept
	}
	if h.Orientation > 1 {
		h.Memory += 4 * kept
	}
	h.Memory += 2 * kept // to be gray, with how opaque it is
	if h.Memory > d.limits.Memory {
		return h, nil, errorf(TooLarge, f.title, "of %dx%d pixels would take %s when it is decoded, and %s are the most: make it smaller%s",
			width, height, megabytes(h.Memory), megabytes(d.limits.Memory), h.hint)
	}
	return h, f, nil
}

// Use decodes a picture and hands it to see, which must not keep it: the memory is
// given back when see returns.
//
// Its errors are [*Error]s, that of see, or the context's cause.
func (d *Decoder) Use(ctx context.Context, file []byte, see func(image.Image, Head) error) error {
	h, f, err := d.head(file)
	if err != nil {
		return err
	}
	if err := d.acquire(ctx, h.Memory); err != nil {
		return err
	}
	defer d.memory.Release(h.Memory)
	img, err := f.decodeWithin(ctx, file, &h)
	if err != nil {
		return err
	}
	err = see(img, h)
	const much = 64 << 20
	if h.Memory > much {
		// Of two large pictures one after another the first would still be there.
		img = nil
		runtime.GC()
	}
	return err
}

// Decode is Use for a picture that is kept.
func (d *Decoder) Decode(ctx context.Context, file []byte) (img image.Image, h Head, err error) {
	err = d.Use(ctx, file, func(i image.Image, head Head) error { img, h = i, head; return nil })
	return img, h, err
}

func (d *Decoder) acquire(ctx context.Context, memory int64) error {
	waiting := ctx
	if d.limits.Wait > 0 {
		var cancel func()
		waiting, cancel = context.WithTimeout(ctx, d.limits.Wait)
		defer cancel()
	}
	if d.memory.Acquire(waiting, memory) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errorf(Busy, "", "waits for memory that other pictures hold")
}

// Hold takes all of the memory as soon as it is free, so that no picture is decoded
// until release is called.
func (d *Decoder) Hold(ctx context.Context) (release func(), err error) {
	if d.memory.Acquire(ctx, d.limits.Memory) != nil {
		return nil, context.Cause(ctx)
	}
	return func() { d.memory.Release(d.limits.Memory) }, nil
}

// Idle tells whether no memory is held.
func (d *Decoder) Idle() bool {
	if !d.memory.TryAcquire(d.limits.Memory) {
		return false
	}
	d.memory.Release(d.limits.Memory)
	return true
}

// decodeWithin decodes a file whose head was looked at.
func (f *format) decodeWithin(ctx context.Context, file []byte, h *Head) (img image.Image, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s := newSource(ctx, file, h.stops)
	err = guarded(func() error {
		img, err = f.decode(s, file)
		return err
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && s.spent:
		return nil, errorf(Damaged, f.title, "asks for the same bytes again and again")
	case err != nil:
		return nil, explain(f, err, "begins as a picture in "+f.name+" format, but is damaged")
	}
	if size := img.Bounds().Size(); size != h.stored {
		return nil, errorf(Damaged, f.title, "has %dx%d pixels, but announces %dx%d", size.X, size.Y, h.stored.X, h.stored.Y)
	}
	if by := factor(h.stored.X, h.stored.Y); by > 1 {
		img = reduce(img, by)
	}
	return turn(img, h.Orientation), nil
}

// guarded turns a panic of a decoder on a bad file into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("its parts contradict each other: %v", fault)
		}
	}()
	return do()
}

// A Reason tells kinds of errors apart.
type Reason int

// The reasons why a picture is not decoded.
const (
	Empty       Reason = iota + 1 // a file without content
	Unknown                       // no format that is taken
	Unsupported                   // a form of a known format that cannot be read
	Damaged                       // no whole file of its format
	TooLarge                      // beyond the limits
	Busy                          // no memory became free in time
)

// An Error says why a picture is not decoded. Its text begins with a verb; the
// picture's name belongs before it.
type Error struct {
	Reason Reason
	Format string // as people write it, "" if it is not known
	text   string
	cause  error
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.cause }

func errorf(reason Reason, format, text string, values ...any) *Error {
	wrapped := fmt.Errorf(text, values...)
	return &Error{reason, format, wrapped.Error(), errors.Unwrap(wrapped)}
}

// explain makes a sentence of a decoder's error.
func explain(f *format, err error, otherwise string) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	text := err.Error()
	for _, prefix := range []string{"png: ", "gif: ", "jpeg: ", "tiff: ", "bmp: ", "webp: ", "vp8: ", "vp8l: ", "riff: ", "zlib: ", "invalid JPEG format: ", "unsupported JPEG feature: ", "invalid format: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if what, unsupported := unsupported(err, text); unsupported {
		return &Error{Unsupported, f.title, fmt.Sprintf("is a picture in %s format of a kind that cannot be read (%s): save it as an ordinary PNG or JPEG", f.name, what), err}
	}
	for _, end := range []string{"unexpected EOF", "EOF", "short Huffman data", "not enough pixel data", "not enough image data", "short chunk data", "missing chunk data", "short segment length"} {
		if text == end || errors.Is(err, io.ErrUnexpectedEOF) {
			text = "it ends too early"
		}
	}
	if otherwise == "cannot be read" {
		otherwise = "begins as a picture in " + f.name + " format, but is damaged"
	}
	return &Error{Damaged, f.title, otherwise + ": " + text, err}
}

// unknown is the error for a file of no format that is taken.
func (d *Decoder) unknown(file []byte, f *format) error {
	want := d.Formats()
	title, isPicture := foreign(file)
	if f != nil {
		title, isPicture = "a "+f.title+" picture", true
	}
	switch {
	case isPicture:
		return errorf(Unknown, title, "is %s, a format that is not read here: convert it to JPEG or PNG, want %s", title, want)
	case title != "":
		return errorf(Unknown, title, "is no picture of a known format, want %s; it looks like %s", want, title)
	}
	return errorf(Unknown, "", "is no picture of a known format, want %s", want)
}

// Formats lists the formats that are taken: "PNG, JPEG or GIF".
func (d *Decoder) Formats() string {
	var titles []string
	for _, f := range formats {
		if d.limits.Formats == nil || slices.Contains(d.limits.Formats, f.name) {
			titles = append(titles, f.title)
		}
	}
	last := len(titles) - 1
	return cmp.Or(strings.Join(titles[:last], ", ")+" or ", "") + titles[last]
}
