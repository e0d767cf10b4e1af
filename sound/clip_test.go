package sound

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDecode(t *testing.T) {
	stereo := goldens(t)["stereo"]
	for name, tolerance := range map[string]float64{
		"u8.wav": 1.0 / 128, "s16.wav": 1.0 / (1 << 15), "s24.wav": 1e-6, "s32.wav": 1e-7, "f32.wav": 0, "f64.wav": 0,
		"s16.flac": 1.0 / (1 << 15), "s24.flac": 1e-6, "extensible.wav": 1e-6,
	} {
		clip, err := Decode(t.Context(), bytes.NewReader(read(t, name)), Own)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		channels := 2
		if name == "extensible.wav" {
			channels = 3 // the third is the first again
		}
		if clip.Rate != 8000 || len(clip.Channels) != channels || clip.Len() != 60 || clip.Duration().Microseconds() != 7500 {
			t.Errorf("%s: %d samples of %d channels at %d, %v", name, clip.Len(), len(clip.Channels), clip.Rate, clip.Duration())
			continue
		}
		for c, channel := range clip.Channels {
			for i, v := range channel {
				if want := stereo[2*i+c%2]; math.Abs(float64(v-want)) > tolerance {
					t.Errorf("%s: sample %d of channel %d is %v, want %v", name, i, c, v, want)
				}
			}
		}
		if want := (clip.Channels[0][7] + clip.Channels[1][7]) / 2; channels == 2 && clip.Mono()[7] != want {
			t.Errorf("%s: the mean is %v, want %v", name, clip.Mono()[7], want)
		}
	}
}

// edit returns a file with some of its bytes changed.
func edit(file []byte, at int, bytes ...byte) []byte {
	file = append([]byte(nil), file...)
	copy(file[at:], bytes)
	return file
}

func TestDecodeRefuses(t *testing.T) {
	wav, flac := read(t, "s16.wav"), read(t, "s16.flac")
	for want, file := range map[string][]byte{
		"the recording is empty":                                                             {},
		"no recording that can be read, want WAV or FLAC":                                    []byte("hello, world"),
		"the recording is an MP3 file":                                                       []byte("ID3\x03......"),
		"WAV: its samples are mu-law, want PCM or float":                                     read(t, "mulaw.wav"),
		"WAV: it is cut short: 240 bytes of samples are announced, and 200 are there":        wav[:len(wav)-40],
		"WAV: it ends without a chunk fmt":                                                   wav[:12],
		"WAV: it ends without a chunk data":                                                  wav[:36],
		"WAV: it has 0 samples a second, want 1 to 768000":                                   edit(wav, 24, 0, 0, 0, 0),
		"WAV: it has 32 channels, want 1 to 16":                                              edit(edit(wav, 22, 32), 32, 64),
		"WAV: it has 0 channels in 4 bytes, which cannot be":                                 edit(wav, 22, 0),
		"WAV: its samples have 12 bits in 1 bytes":                                           edit(edit(wav, 34, 12), 32, 2),
		"WAV: it has 240 bytes of samples, which is no multiple of 14":                       edit(edit(wav, 22, 7), 32, 14),
		"sample 0 of channel 1 is NaN":                                                       edit(read(t, "f32.wav"), len(read(t, "f32.wav"))-480+4, 0, 0, 0xc0, 0x7f),
		"FLAC: it is cut short":                                                              flac[:len(flac)-9],
		"FLAC: it is damaged: frame":                                                         edit(flac, len(flac)-3, 1),
		"FLAC: it is damaged: meta.Block.parseStreamInfo: invalid sample rate (0)":           edit(flac, 18, 0, 0, flac[20]&0x0f),
		"FLAC: it has 68719476735 samples of 2 channels, want 60000000 in all at most: cut ": edit(flac, 21, flac[21]|0x0f, 255, 255, 255, 255),
	} {
		if clip, err := Decode(t.Context(), bytes.NewReader(file), Own); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %q", clip, err, want)
		}
	}
	if _, err := Decode(t.Context(), bytes.NewReader(wav), Limits{Bytes: 100, Channels: 2, Samples: 1000}); err == nil || !strings.Contains(err.Error(), "more than 100 bytes") {
		t.Errorf("more bytes than are taken: %v", err)
	}
	if _, err := Decode(t.Context(), bytes.NewReader(wav), Limits{Bytes: 1000, Channels: 2, Samples: 100}); err == nil || !strings.Contains(err.Error(), "60 samples of 2 channels, want 100 in all at most") {
		t.Errorf("more samples than are taken: %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Decode(stopped, bytes.NewReader(wav), Own); !errors.Is(err, context.Canceled) {
		t.Errorf("without a caller: %v", err)
	}
}

// A program that writes to a pipe leaves sizes open.
func TestDecodeStreamed(t *testing.T) {
	file := read(t, "s16.wav")
	data := bytes.Index(file, []byte("data"))
	for _, size := range []uint32{0, math.MaxUint32} {
		open := edit(file, data+4, binary.LittleEndian.AppendUint32(nil, size)...)
		clip, err := Decode(t.Context(), bytes.NewReader(append(open, 1)), Own) // half a sample is left out
		if err != nil || clip.Len() != 60 {
			t.Errorf("size %d: %v, %v", size, clip, err)
		}
	}
}

// FuzzDecode holds decoding to a memory that the limits account for.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"u8.wav", "s24.wav", "f64.wav", "extensible.wav", "mulaw.wav", "s16.flac", "s24.flac"} {
		f.Add(read(f, name))
	}
	limits := Limits{Bytes: 1 << 20, Channels: 4, Samples: 1 << 18}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		clip, err := Decode(t.Context(), bytes.NewReader(file), limits)
		runtime.ReadMemStats(&after)
		// Samples grow by appending, and a frame of FLAC has 65,535 of each channel.
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(8*len(file))+64<<20 {
			t.Errorf("%d bytes take %d bytes of memory", len(file), took)
		}
		if err != nil {
			return
		}
		if clip.Rate < 1 || clip.Len() < 1 || clip.Len()*len(clip.Channels) > limits.Samples {
			t.Errorf("%d samples of %d channels at %d", clip.Len(), len(clip.Channels), clip.Rate)
		}
	})
}
