package picture

import (
	"context"
	"errors"
	"io"
)

// A source is a file as a decoder reads it. Reading fails when the context is
// done, so that decoding can be stopped; and when a decoder that may jump about in
// the file has read more than the whole of it twice.
type source struct {
	ctx   context.Context
	file  []byte
	at    int
	stops []int // places that no read goes beyond, in ascending order
	left  int64 // bytes that may still be read
	spent bool  // whether more was asked for
}

// errSpent ends decoding; it is explained by who sees spent.
var errSpent = errors.New("read too often")

// mostAtOnce is how much one read gives, so that the context is looked at often.
const mostAtOnce = 32 << 10

func newSource(ctx context.Context, file []byte, stops []int) *source {
	return &source{ctx: ctx, file: file, stops: stops, left: 2*int64(len(file)) + 64<<10}
}

// allow counts n bytes that are about to be read.
func (s *source) allow(n int) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if s.left -= int64(n); s.left < 0 {
		s.spent = true
		return errSpent
	}
	return nil
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	end := min(len(s.file), s.at+min(len(p), mostAtOnce))
	for len(s.stops) > 0 && s.stops[0] <= s.at {
		s.stops = s.stops[1:]
	}
	if len(s.stops) > 0 {
		end = min(end, s.stops[0])
	}
	if err := s.allow(end - s.at); err != nil {
		return 0, err
	}
	n := copy(p, s.file[s.at:end])
	s.at += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A readerAt is a source that is read here and there.
type readerAt struct{ *source }

// ReadAt implements io.ReaderAt.
func (s readerAt) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 || offset >= int64(len(s.file)) {
		return 0, io.EOF
	}
	n := min(len(p), len(s.file)-int(offset))
	if err := s.allow(n); err != nil {
		return 0, err
	}
	if copy(p, s.file[offset:]); n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
