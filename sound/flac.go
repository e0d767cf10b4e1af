package sound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
)

func isFLAC(file []byte) bool { return bytes.HasPrefix(file, []byte("fLaC")) }

// decodeFLAC reads what RFC 9639 describes, frame by frame: a frame of a few bytes may
// hold half a million samples, so the limits are looked at before each.
func decodeFLAC(ctx context.Context, file []byte, l Limits) (clip *Clip, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			clip, err = nil, fmt.Errorf("it is damaged: %v", fault)
		}
	}()
	stream, err := flac.New(bytes.NewReader(file))
	if err != nil {
		return nil, damaged(err)
	}
	channels, announced := int(stream.Info.NChannels), stream.Info.NSamples
	if announced > 0 {
		err = check(int(stream.Info.SampleRate), channels, int(min(announced, 1<<40)), l)
	} else { // which stands for unknown
		err = check(int(stream.Info.SampleRate), channels, 1, l)
	}
	if err != nil {
		return nil, err
	}
	clip = newClip(int(stream.Info.SampleRate), channels, 0)
	scale := 1 / float32(int64(1)<<(stream.Info.BitsPerSample-1))
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		frame, err := stream.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, damaged(err)
		}
		if frame.Channels.Count() != channels {
			return nil, fmt.Errorf("it has %d channels in its head and %d behind %d samples", channels, frame.Channels.Count(), clip.Len())
		}
		if bits := frame.BitsPerSample; bits != 0 && bits != stream.Info.BitsPerSample {
			return nil, fmt.Errorf("its samples have %d bits in its head and %d behind %d samples", stream.Info.BitsPerSample, bits, clip.Len())
		}
		if err := check(clip.Rate, channels, clip.Len()+int(frame.BlockSize), l); err != nil {
			return nil, err
		}
		if err := frame.Parse(); err != nil {
			return nil, damaged(err)
		}
		for c, sub := range frame.Subframes {
			for _, v := range sub.Samples[:frame.BlockSize] {
				clip.Channels[c] = append(clip.Channels[c], float32(v)*scale)
			}
		}
	}
	if n := uint64(clip.Len()); announced > n {
		return nil, fmt.Errorf("it is cut short: %d samples are announced, and %d are there", announced, n)
	}
	if clip.Len() == 0 {
		return nil, errors.New("it has no samples")
	}
	return clip, nil
}

// damaged puts an error of the decoder into words.
func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut short")
	}
	return fmt.Errorf("it is damaged: %w", err)
}
