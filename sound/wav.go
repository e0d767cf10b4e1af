package sound

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The formats of a WAV's samples that its head names: RFC 2361 and Microsoft's
// WAVEFORMATEXTENSIBLE, whose own format is the first two bytes of a GUID.
const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xfffe
)

var wavNames = map[uint16]string{2: "ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x50: "MPEG", 0x55: "MP3"}

func isWAV(file []byte) bool {
	return len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WAVE"
}

// A waveFormat is what the chunk fmt says.
type waveFormat struct {
	kind                 uint16
	channels, rate       int
	frame, bits, encoded int // bytes of one sample of every channel; bits and bytes of one
}

// decodeWAV reads what Microsoft and IBM's "Multimedia Programming Interface and Data
// Specifications 1.0" (1991) describes, chunk by chunk. Its own sizes are not used where
// a program that wrote to a pipe did not know them: those of 0 and 0xffffffff end with
// the file.
func decodeWAV(ctx context.Context, file []byte, l Limits) (*Clip, error) {
	var f *waveFormat
	for at := 12; ; {
		if len(file)-at < 8 {
			if f == nil {
				return nil, errors.New("it ends without a chunk fmt: it is cut short, or no recording")
			}
			return nil, errors.New("it ends without a chunk data: it is cut short")
		}
		name, size := string(file[at:at+4]), int64(binary.LittleEndian.Uint32(file[at+4:]))
		body := file[at+8:]
		open := size == math.MaxUint32 || size == 0 && name == "data"
		if size > int64(len(body)) && !open {
			if name == "data" && f != nil {
				return nil, fmt.Errorf("it is cut short: %d bytes of samples are announced, and %d are there", size, len(body))
			}
			return nil, fmt.Errorf("it is cut short in the chunk %q", name)
		}
		if open {
			size = int64(len(body))
		}
		body = body[:size]
		switch name {
		case "fmt ":
			var err error
			if f, err = readWaveFormat(body); err != nil {
				return nil, err
			}
		case "data":
			if f == nil {
				return nil, errors.New("its samples stand before the chunk fmt that tells what they are")
			}
			if open {
				body = body[:len(body)/f.frame*f.frame]
			}
			return f.samples(ctx, body, l)
		}
		if at += 8 + int(size) + int(size&1); at > len(file) {
			at = len(file)
		}
	}
}

func readWaveFormat(body []byte) (*waveFormat, error) {
	if len(body) < 16 {
		return nil, fmt.Errorf("its chunk fmt has %d bytes, want at least 16", len(body))
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(body[at:])) }
	f := &waveFormat{kind: uint16(word(0)), channels: word(2), rate: int(binary.LittleEndian.Uint32(body[4:])), frame: word(12), bits: word(14)}
	if f.kind == wavExtensible {
		if len(body) < 40 {
			return nil, fmt.Errorf("its extensible chunk fmt has %d bytes, want 40", len(body))
		}
		f.kind = uint16(word(24))
	}
	if f.kind != wavPCM && f.kind != wavFloat {
		name := wavNames[f.kind]
		if name == "" {
			name = fmt.Sprintf("of format %d", f.kind)
		}
		return nil, fmt.Errorf("its samples are %s, want PCM or float: convert it first", name)
	}
	if f.channels == 0 || f.frame == 0 || f.frame%f.channels != 0 {
		return nil, fmt.Errorf("it has %d channels in %d bytes, which cannot be", f.channels, f.frame)
	}
	f.encoded = f.frame / f.channels
	sound := f.bits > 8*f.encoded-8 && f.bits <= 8*f.encoded && f.encoded <= 4
	if f.kind == wavFloat {
		sound = f.bits == 8*f.encoded && (f.bits == 32 || f.bits == 64)
	}
	if !sound {
		return nil, fmt.Errorf("its samples have %d bits in %d bytes, want 8 to 32, or 32 or 64 of floats", f.bits, f.encoded)
	}
	return f, nil
}

// samples decodes the bytes of the chunk data.
func (f *waveFormat) samples(ctx context.Context, data []byte, l Limits) (*Clip, error) {
	n := len(data) / f.frame
	if err := check(f.rate, f.channels, n, l); err != nil {
		return nil, err
	}
	if len(data)%f.frame != 0 {
		return nil, fmt.Errorf("it has %d bytes of samples, which is no multiple of %d, the bytes of a sample of every channel", len(data), f.frame)
	}
	clip := newClip(f.rate, f.channels, n)
	for i := range n {
		if i%(1<<16) == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for c, channel := range clip.Channels {
			v := f.sample(data[i*f.frame+c*f.encoded:][:f.encoded])
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("sample %d of channel %d is %v", i, c, v)
			}
			channel[i] = float32(v)
		}
	}
	return clip, nil
}

// sample is one of PCM, which has one byte unsigned and more signed, the first bit of
// fewer bits than the bytes have in front; or one of floats.
func (f *waveFormat) sample(b []byte) float64 {
	switch {
	case f.kind == wavFloat && f.encoded == 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case f.kind == wavFloat:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case f.encoded == 1:
		return (float64(b[0]) - 128) / 128
	}
	var v uint32
	for i, x := range b {
		v |= uint32(x) << (32 - 8*f.encoded + 8*i)
	}
	return float64(int32(v)) / (1 << 31)
}

func newClip(rate, channels, samples int) *Clip {
	clip := &Clip{Rate: rate, Channels: make([][]float32, channels)}
	for c := range clip.Channels {
		clip.Channels[c] = make([]float32, samples)
	}
	return clip
}
