package transform

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio"
)

// tutorial is the transform of PyTorch's tutorial.
var tutorial = Compose{ToTensor{}, Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}

// golden reads a file that testdata/goldens.py wrote.
func golden[T byte | float32](t testing.TB, name string) []T {
	t.Helper()
	return readNPY[T](t, filepath.Join("testdata", name))
}

// readNPY reads the values of an array in NumPy's format.
func readNPY[T byte | float32](t testing.TB, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var values []T
	if err := npyio.Read(f, &values); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return values
}

func everyByte(channels int) []byte {
	b := make([]byte, 256*channels)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// sameBits fails the test unless got and want are equal to the last bit.
func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestEveryByteAsTorchvision(t *testing.T) {
	tests := []struct {
		file      string
		channels  int
		transform Transform
	}{
		{"bytes_totensor.npy", 1, ToTensor{}},
		{"bytes_totensor.npy", 1, nil},
		{"bytes_norm.npy", 1, tutorial},
		{"bytes_norm_mnist.npy", 1, Compose{ToTensor{}, Compose{Normalize{[]float32{0.1307}, []float32{0.3081}}}}},
		{"bytes_norm_rgb.npy", 3, Compose{ToTensor{}, Normalize{
			[]float32{0.4914, 0.4822, 0.4465}, []float32{0.2470, 0.2435, 0.2616}}}},
	}
	for _, test := range tests {
		want := golden[float32](t, test.file)
		p, err := Compile(test.transform, test.channels, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(want))
		p.Apply(got, everyByte(test.channels))
		sameBits(t, test.file+" from the pipeline", got, want)

		if test.transform == nil {
			continue
		}
		src := &Picture{Format: Format{Channels: test.channels, Height: 16, Width: 16}, Bytes: everyByte(test.channels)}
		clear(got)
		test.transform.Apply(&Picture{Format: Format{test.channels, 16, 16, true}, Floats: got}, src)
		sameBits(t, test.file+" step by step", got, want)
	}
}

func TestPicturesAsTorchvision(t *testing.T) {
	src := golden[byte](t, "pictures_u8.npy")
	want := golden[float32](t, "pictures.npy")
	p, err := Compile(tutorial, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(want))
	for i := range 4 {
		p.Apply(got[i*784:(i+1)*784], src[i*784:(i+1)*784])
	}
	sameBits(t, "four pictures", got, want)
}

func TestTranspose(t *testing.T) {
	// Two channels of two rows and three columns.
	src := []byte{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}
	want := []float32{1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16}
	for i := range want {
		want[i] /= 255
	}
	for _, test := range []struct {
		name  string
		chain Compose
		want  []float32
	}{
		{"bytes", Compose{Transpose{}, ToTensor{}}, want},
		{"floats", Compose{ToTensor{}, Transpose{}}, want},
		{"three times", Compose{Transpose{}, Transpose{}, ToTensor{}, Transpose{}}, want},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Compile(test.chain, 2, 2, 3)
			if err != nil {
				t.Fatal(err)
			}
			if c, h, w := p.In(); c != 2 || h != 2 || w != 3 {
				t.Errorf("In() = %d, %d, %d", c, h, w)
			}
			if c, h, w := p.Out(); c != 2 || h != 3 || w != 2 {
				t.Errorf("Out() = %d, %d, %d, want 2, 3, 2", c, h, w)
			}
			got := make([]float32, 12)
			p.Apply(got, src)
			sameBits(t, "pipeline", got, test.want)
			clear(got)
			p.Clone().Apply(got, src)
			sameBits(t, "clone", got, test.want)
			clear(got)
			test.chain.Apply(&Picture{Format: Format{2, 3, 2, true}, Floats: got},
				&Picture{Format: Format{2, 2, 3, false}, Bytes: src})
			sameBits(t, "step by step", got, test.want)
		})
	}
}

func TestEmptyComposeCopies(t *testing.T) {
	f := Format{Channels: 1, Height: 1, Width: 3}
	dst := NewPicture(f)
	Compose{}.Apply(dst, &Picture{Format: f, Bytes: []byte{7, 8, 9}})
	if !slices.Equal(dst.Bytes, []byte{7, 8, 9}) {
		t.Errorf("copied %v", dst.Bytes)
	}
}

// invert is a pointwise step from bytes to bytes.
type invert struct{}

func (invert) Format(in Format) (Format, error) { return in, nil }
func (invert) Sample(_ int, v float32) float32  { return 255 - v }
func (t invert) Apply(dst, src *Picture) {
	for i, b := range src.Bytes {
		dst.Bytes[i] = byte(t.Sample(0, float32(b)))
	}
}

func TestPointwiseStepsBecomeOneTable(t *testing.T) {
	tests := []struct {
		chain Compose
		steps int
	}{
		{tutorial, 1},
		{Compose{invert{}, ToTensor{}, Normalize{[]float32{0.5}, []float32{2}}}, 1},
		{Compose{Transpose{}, ToTensor{}, Normalize{[]float32{0.5}, []float32{2}}}, 2},
		{Compose{ToTensor{}, Transpose{}, Normalize{[]float32{0.5}, []float32{2}}}, 3},
		{Compose{invert{}, Transpose{}, ToTensor{}}, 3},
	}
	for _, test := range tests {
		p, err := Compile(test.chain, 1, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.steps) != test.steps {
			t.Errorf("%v has %d steps, want %d", test.chain, len(p.steps), test.steps)
		}
		got, want := make([]float32, 256), make([]float32, 256)
		p.Apply(got, everyByte(1))
		test.chain.Apply(&Picture{Format: Format{1, 16, 16, true}, Floats: want},
			&Picture{Format: Format{1, 16, 16, false}, Bytes: everyByte(1)})
		sameBits(t, test.chain.String(), got, want)
	}
}

func TestCompileRefuses(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		name      string
		transform Transform
		channels  int
		message   string
	}{
		{"no ToTensor", Compose{}, 1, "Compose[] leaves a picture of bytes, but a network reads float32: add ToTensor"},
		{"bytes at the end", Transpose{}, 1, "Transpose leaves a picture of bytes"},
		{"Normalize first", Compose{Normalize{[]float32{1}, []float32{1}}, ToTensor{}}, 1, "put ToTensor before it"},
		{"ToTensor twice", Compose{ToTensor{}, ToTensor{}}, 1, "only once"},
		{"nil step", Compose{ToTensor{}, nil}, 1, "step 1 of Compose is nil"},
		{"no mean", Compose{ToTensor{}, Normalize{}}, 1, "the Mean of Normalize has 0 values for a picture of 1 channels"},
		{"two means for three channels", Compose{ToTensor{}, Normalize{[]float32{1, 2}, []float32{1}}}, 3, "the Mean of Normalize has 2 values for a picture of 3 channels"},
		{"zero std", Compose{ToTensor{}, Normalize{[]float32{1}, []float32{1, 0, 1}}}, 3, "the Std of channel 1 in Normalize is 0"},
		{"nan std", Compose{ToTensor{}, Normalize{[]float32{1}, []float32{nan}}}, 3, "the Std of channel 0 in Normalize is NaN"},
		{"no channels", ToTensor{}, 0, "0x28x28"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Compile(test.transform, test.channels, 28, 28)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want one with %q", err, test.message)
			}
		})
	}
}

func TestApplyPanicsOnAWrongLength(t *testing.T) {
	p, err := Compile(nil, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	p.Apply(make([]float32, 784), make([]byte, 783))
}

func TestApplyAllocatesNothing(t *testing.T) {
	p, err := Compile(append(Compose{Transpose{}}, tutorial...), 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	dst, src := make([]float32, 784), make([]byte, 784)
	if n := testing.AllocsPerRun(100, func() { p.Apply(dst, src) }); n != 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

func TestStepsRefuse(t *testing.T) {
	bytes := Format{Channels: 3, Height: 4, Width: 5}
	floats := Format{Channels: 3, Height: 4, Width: 5, Float: true}
	nan := math.NaN()
	tests := []struct {
		step    Transform
		in      Format
		message string
	}{
		{Resize{}, bytes, "Resize would make a picture 0 high and 0 wide"},
		{Resize{Height: 1 << 40, Width: 1}, bytes, "each side must be from 1 to 32768"},
		{Resize{Edge: 3, Height: 3}, bytes, "set one of them"},
		{Resize{Edge: -3}, bytes, "the Edge of Resize is -3"},
		{Resize{Edge: 32000}, bytes, "each side must be from 1 to 32768"},
		{Resize{MaxEdge: 3}, bytes, "it has no Edge"},
		{Resize{Edge: 3, MaxEdge: 3}, bytes, "the longer side must be allowed more"},
		{Resize{Height: 2, Width: 2, Interpolation: 9}, bytes, "the Interpolation of Resize is Interpolation(9): choose one of [nearest"},
		{Rotate{Angle: 1, Interpolation: Box}, bytes, "the Interpolation of Rotate is box"},
		{Rotate{Angle: nan}, bytes, "the Angle of Rotate is NaN"},
		{Rotate{Angle: 1}, floats, "the step Rotate wants a picture of bytes, but gets 3x4x5 float32: put it before ToTensor"},
		{Rotate{Angle: 1, Fill: []float32{1, 2}}, bytes, "the Fill of Rotate has 2 values for a picture of 3 channels"},
		{Rotate{Angle: 1, Fill: []float32{256}}, bytes, "the Fill of channel 0 in Rotate is 256"},
		{Crop{Height: -1, Width: 1}, bytes, "Crop would make a picture -1 high"},
		{CenterCrop{}, bytes, "CenterCrop would make a picture 0 high"},
		{Pad{Left: -1}, bytes, "the border of Pad is -1, 0, 0 and 0 wide"},
		{Pad{Left: math.MaxInt}, bytes, "each side must be from 1 to 32768"},
		{Pad{Top: 4, Mode: Reflect}, bytes, "too wide to be mirrored"},
		{Pad{Top: 5, Mode: Symmetric}, bytes, "too wide to be mirrored"},
		{Pad{Mode: 7}, bytes, "the Mode of Pad is 7"},
		{Grayscale{Channels: 2}, bytes, "give 1 or 3"},
		{Grayscale{}, Format{Channels: 5, Height: 1, Width: 1}, "1 to 4 channels"},
		{PasteOver{}, floats, "put it before ToTensor"},
		{PasteOver{}, Format{Channels: 5, Height: 1, Width: 1}, "1 to 4 channels"},
		{PasteOver{Ground: []byte{1, 2}}, bytes, "the Ground of PasteOver has 2 values"},
		{Lambda{Name: "sharpen"}, bytes, "the step sharpen has no Func"},
	}
	for _, test := range tests {
		_, err := Compose{test.step}.Format(test.in)
		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%v of %v: error %v, want one with %q", name(test.step), test.in, err, test.message)
		}
	}
}

// Flips, crops, pads and quarter turns move float32 as they move bytes.
func TestFloatsMoveAsBytes(t *testing.T) {
	src := NewPicture(Format{Channels: 2, Height: 3, Width: 4})
	for i := range src.Bytes {
		src.Bytes[i] = byte(10 * i)
	}
	for _, step := range []Transform{HorizontalFlip{}, VerticalFlip{}, Crop{1, -1, 3, 3}, CenterCrop{2, 7},
		Pad{Left: 1, Bottom: 2, Mode: Reflect}, Pad{Left: 2, Mode: Symmetric}, Rotate{Angle: 90, Expand: true},
		Rotate{Angle: -90, Expand: true}, Rotate{Angle: 180}, Rotate{Angle: 720}, Invert{}} {
		want := apply(t, ToTensor{}, apply(t, step, src))
		got := apply(t, step, apply(t, ToTensor{}, src))
		if got.Format != want.Format {
			t.Fatalf("%v: got %v, want %v", name(step), got.Format, want.Format)
		}
		for i, v := range want.Floats {
			if math.Abs(float64(v-got.Floats[i])) > 1e-7 {
				t.Errorf("%v: sample %d is %v, want %v", name(step), i, got.Floats[i], v)
				break
			}
		}
	}
}

func TestLambda(t *testing.T) {
	src := &Picture{Format: Format{Channels: 1, Height: 1, Width: 3}, Bytes: []byte{3, 1, 2}}
	got := apply(t, Lambda{Func: func(p *Picture) { slices.Sort(p.Bytes) }}, src)
	if !slices.Equal(got.Bytes, []byte{1, 2, 3}) || !slices.Equal(src.Bytes, []byte{3, 1, 2}) {
		t.Errorf("made %v of %v", got.Bytes, src.Bytes)
	}
}
