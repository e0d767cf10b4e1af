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
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var values []T
	if err := npyio.Read(f, &values); err != nil {
		t.Fatalf("%s: %v", name, err)
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
