package sound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Clip is a recording.
type Clip struct {
	Rate     int         // samples a second of each channel, at least 1
	Channels [][]float32 // all of one length; the loudest sample is 1 or -1
}

// Len is how many samples each channel has.
func (c *Clip) Len() int {
	if len(c.Channels) == 0 {
		return 0
	}
	return len(c.Channels[0])
}

// Duration is how long the recording lasts.
func (c *Clip) Duration() time.Duration {
	return time.Duration(float64(c.Len()) / float64(c.Rate) * float64(time.Second))
}

// Mono returns the mean of the channels. With one channel, that is the channel itself.
func (c *Clip) Mono() []float32 {
	if len(c.Channels) == 1 {
		return c.Channels[0]
	}
	mono := make([]float32, c.Len())
	for i := range mono {
		var sum float64
		for _, channel := range c.Channels {
			sum += float64(channel[i])
		}
		mono[i] = float32(sum / float64(len(c.Channels)))
	}
	return mono
}

// Limits say what is taken of recordings from outside.
type Limits struct {
	Bytes    int64 // of the file
	Channels int
	Samples  int // of all channels together; each takes four bytes
}

// Own are the limits for one's own files: an hour of one channel at 16,000 samples a
// second.
var Own = Limits{Bytes: 512 << 20, Channels: 16, Samples: 60_000_000}

// MaxRate is the highest rate that is taken, in samples a second.
const MaxRate = 768_000

// A format tells its files by how they begin.
type format struct {
	name   string
	is     func(file []byte) bool
	decode func(context.Context, []byte, Limits) (*Clip, error)
}

var formats = []format{
	{"WAV", isWAV, decodeWAV},
	{"FLAC", isFLAC, decodeFLAC},
}

// Formats returns the names of the formats that Decode reads.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Decode reads a recording: WAV with 8 to 32 bit, float, or extensible, or FLAC. It
// refuses what is beyond the limits before it takes memory for it, a file that is cut
// short, and samples that are no numbers.
func Decode(ctx context.Context, r io.Reader, l Limits) (*Clip, error) {
	file, err := io.ReadAll(io.LimitReader(reader{ctx, r}, l.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("the recording cannot be read: %w", err)
	}
	if int64(len(file)) > l.Bytes {
		return nil, fmt.Errorf("the recording has more than %d bytes, which is the limit", l.Bytes)
	}
	if len(file) == 0 {
		return nil, errors.New("the recording is empty")
	}
	for _, f := range formats {
		if !f.is(file) {
			continue
		}
		clip, err := f.decode(ctx, file, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		return clip, nil
	}
	for begin, name := range map[string]string{"ID3": "an MP3", "\xff\xfb": "an MP3", "\xff\xf3": "an MP3", "OggS": "an Ogg", "FORM": "an AIFF", "\x1aE\xdf\xa3": "a WebM", "RIFX": "a big-endian WAV"} {
		if bytes.HasPrefix(file, []byte(begin)) {
			return nil, fmt.Errorf("the recording is %s file, want WAV or FLAC: convert it first", name)
		}
	}
	return nil, errors.New("the file is no recording that can be read, want WAV or FLAC")
}

// check refuses what a file's head says, or does not.
func check(rate, channels, samples int, l Limits) error {
	switch {
	case rate < 1 || rate > MaxRate:
		return fmt.Errorf("it has %d samples a second, want 1 to %d", rate, MaxRate)
	case channels < 1 || channels > l.Channels:
		return fmt.Errorf("it has %d channels, want 1 to %d", channels, l.Channels)
	case samples > l.Samples/channels:
		return fmt.Errorf("it has %d samples of %d channels, want %d in all at most: cut it into shorter ones", samples, channels, l.Samples)
	case samples == 0:
		return errors.New("it has no samples")
	}
	return nil
}

// A reader reads until its context is done.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(p[:min(len(p), 64<<10)])
}
