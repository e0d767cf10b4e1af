package untrusted

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestElements(t *testing.T) {
	nan, infinity := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		name  string
		bytes string // little-endian
		want  float32
	}{
		{"float64", "\x00\x00\x00\x00\x00\x00\xf8\xbf", -1.5},
		{"float64", "\x00\x00\x00\x00\x00\x00\xf0\x7e", infinity}, // 2^1008
		{"float32", "\x01\x00\x00\x00", 0x1p-149},
		{"float16", "\x00\xbe", -1.5},
		{"float16", "\x01\x00", 0x1p-24},
		{"float16", "\x00\x7c", infinity},
		{"float16", "\x01\x7c", nan},
		{"bfloat16", "\xc0\xbf", -1.5},
		{"float8_e5m2", "\xbe", -1.5},
		{"float8_e5m2", "\x01", 0x1p-16},
		{"float8_e5m2", "\x7b", 57344}, // the largest
		{"float8_e5m2", "\x7c", infinity},
		{"float8_e5m2", "\x7d", nan},
		{"float8_e4m3fn", "\xbc", -1.5},
		{"float8_e4m3fn", "\x01", 0x1p-9},
		{"float8_e4m3fn", "\x07", 0.875 * 0x1p-6}, // the largest subnormal
		{"float8_e4m3fn", "\x08", 0x1p-6},         // the smallest normal
		{"float8_e4m3fn", "\x7e", 448},            // the largest
		{"float8_e4m3fn", "\x7f", nan},
		{"float8_e4m3fn", "\xff", nan},
		{"uint8", "\xff", 255},
		{"uint16", "\x01\xff", 65281},
		{"uint32", "\xff\xff\xff\xff", 0x1p32},
		{"uint64", "\xff\xff\xff\xff\xff\xff\xff\xff", 0x1p64},
		{"int8", "\xff", -1},
		{"int16", "\xfe\xff", -2},
		{"int32", "\x01\x00\x00\x01", 0x1p24}, // rounds to even
		{"int64", "\xff\xff\xff\xff\xff\xff\xff\xff", -1},
		{"bool", "\x00", 0},
		{"bool", "\x02", 1},
	}
	seen := map[string]bool{}
	for _, test := range tests {
		e := Elements[test.name]
		seen[test.name] = true
		if e.Size != len(test.bytes) {
			t.Fatalf("%s has %d bytes, want %d", test.name, e.Size, len(test.bytes))
		}
		swapped := []byte(test.bytes)
		for i, j := 0, len(swapped)-1; i < j; i, j = i+1, j-1 {
			swapped[i], swapped[j] = swapped[j], swapped[i]
		}
		for order, data := range map[binary.ByteOrder][]byte{binary.LittleEndian: []byte(test.bytes), binary.BigEndian: swapped} {
			got := e.Float32(data, order)
			if got != test.want && !(got != got && test.want != test.want) {
				t.Errorf("%s %x, %v: %v, want %v", test.name, data, order, got, test.want)
			}
		}
	}
	if len(seen) != len(Elements) {
		t.Errorf("%d of %d types were tested", len(seen), len(Elements))
	}
	if negative := Elements["float8_e4m3fn"].Float32([]byte{0x80}, binary.LittleEndian); negative != 0 || !math.Signbit(float64(negative)) {
		t.Errorf("float8_e4m3fn 0x80 is %v, want -0", negative)
	}
}

func TestReadElements(t *testing.T) {
	const count = 10_001 // more than a part, and no multiple of it
	data := make([]byte, 2*count)
	for i := range count {
		binary.BigEndian.PutUint16(data[2*i:], uint16(i))
	}
	e := Elements["uint16"]
	backwards := count
	for name, place := range map[string]func() int{"in order": nil, "backwards": func() int { backwards--; return backwards }} {
		elements, err := ReadElements(bytes.NewReader(data), count, e, binary.BigEndian, place)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range Float32s(elements, e) {
			if want := map[bool]int{true: i, false: count - 1 - i}[place == nil]; v != float32(want) {
				t.Fatalf("%s: element %d is %v", name, i, v)
			}
		}
	}
	if _, err := ReadElements(bytes.NewReader(data[:2*count-1]), count, e, binary.BigEndian, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a byte too few: %v", err)
	}
	if elements, err := ReadElements(bytes.NewReader(nil), 0, e, binary.BigEndian, nil); err != nil || len(elements) != 0 {
		t.Errorf("no elements: %v, %v", elements, err)
	}
}

// TestConvert has every half float go to a wider type and back, and numbers whose
// neighbours decide how they are rounded.
func TestConvert(t *testing.T) {
	half, brain := Elements["float16"], Elements["bfloat16"]
	for _, e := range []Element{half, brain} {
		for bits := range 1 << 16 {
			data := binary.LittleEndian.AppendUint16(nil, uint16(bits))
			for _, wide := range []string{"float32", "float64"} {
				wider, losses := Convert(data, e, Elements[wide])
				back, more := Convert(wider, Elements[wide], e)
				if value := e.Float32(data, binary.LittleEndian); value != value {
					if again := e.Float32(back, binary.LittleEndian); again == again {
						t.Fatalf("%s: the NaN %04x became %v by %s", e.Name, bits, again, wide)
					}
				} else if !bytes.Equal(back, data) || losses != (Losses{}) || more != (Losses{}) {
					t.Fatalf("%s: %04x became %x by %s (%+v, %+v)", e.Name, bits, back, wide, losses, more)
				}
			}
		}
	}
	for _, test := range []struct {
		to     string
		value  float64
		want   float64
		losses Losses
	}{
		{"float16", 1 + 0x1p-11, 1, Losses{}},                     // a tie, to even
		{"float16", 1 + 0x3p-11, 1 + 0x2p-10, Losses{}},           // a tie, to even
		{"float16", 1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-10, Losses{}}, // by way of float32 it would be a tie
		{"float16", 65519, 65504, Losses{}},
		{"float16", 65520, math.Inf(1), Losses{Infinite: 1, Example: 65520}},
		{"float16", -1e300, math.Inf(-1), Losses{Infinite: 1, Example: -1e300}},
		{"float16", 0x1p-24, 0x1p-24, Losses{}},
		{"float16", 0x1p-25, 0, Losses{Zero: 1, Example: 0x1p-25}},
		{"float16", 0x1.8p-24, 0x2p-24, Losses{}},
		{"float16", 0x1.ffep-15, 0x1p-14, Losses{}}, // up to the smallest normal one
		{"bfloat16", 3.4e38, math.Inf(1), Losses{Infinite: 1, Example: 3.4e38}},
		{"bfloat16", 0x1.fep127, 0x1.fep127, Losses{}},
		{"bfloat16", 0x1p-133, 0x1p-133, Losses{}},
		{"float32", 1e300, math.Inf(1), Losses{Infinite: 1, Example: 1e300}},
		{"float32", 1e-300, 0, Losses{Zero: 1, Example: 1e-300}},
		{"float32", math.Inf(1), math.Inf(1), Losses{}},
		{"float32", 0.1, float64(float32(0.1)), Losses{}},
		{"float32", 5e-46, 0, Losses{Zero: 1, Example: 5e-46}},
		{"float32", 1e-45, 0x1p-149, Losses{}},
	} {
		data := binary.LittleEndian.AppendUint64(nil, math.Float64bits(test.value))
		got, losses := Convert(data, Elements["float64"], Elements[test.to])
		if value := float64(Elements[test.to].Float32(got, binary.LittleEndian)); value != test.want || losses != test.losses {
			t.Errorf("%v became %v as %s with %+v, want %v with %+v", test.value, value, test.to, losses, test.want, test.losses)
		}
	}
	// float32 agrees with Go's own conversion, whatever the bits.
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		value := math.Float64frombits(random.Uint64())
		if random.IntN(2) == 0 {
			value = math.Ldexp(random.Float64()-0.5, random.IntN(300)-160)
		}
		got, _ := Convert(binary.LittleEndian.AppendUint64(nil, math.Float64bits(value)), Elements["float64"], Elements["float32"])
		if bits := binary.LittleEndian.Uint32(got); bits != math.Float32bits(float32(value)) && value == value {
			t.Fatalf("%v became %08x, want %08x", value, bits, math.Float32bits(float32(value)))
		}
	}
	for _, e := range []struct {
		name, data string
		want       float32
	}{{"int64", "\xff\xff\xff\xff\xff\xff\xff\xff", -1}, {"uint64", "\xff\xff\xff\xff\xff\xff\xff\xff", 1 << 64}, {"int32", "\xfe\xff\xff\xff", -2}, {"uint32", "\xfe\xff\xff\xff", 1<<32 - 2}, {"bool", "\x05", 1}, {"int8", "\x80", -128}} {
		got, losses := Convert([]byte(e.data), Elements[e.name], Elements["float32"])
		if value := math.Float32frombits(binary.LittleEndian.Uint32(got)); value != e.want || losses != (Losses{}) {
			t.Errorf("%s became %v, want %v", e.name, value, e.want)
		}
	}
}

func TestCount(t *testing.T) {
	for _, test := range []struct {
		shape []int
		want  int
		ok    bool
	}{
		{nil, 1, true},
		{[]int{2, 3}, 6, true},
		{[]int{2, 0, 3}, 0, true},
		{[]int{0, math.MaxInt}, 0, false},
		{[]int{math.MaxInt32, math.MaxInt32}, 0, false},
		{[]int{1 << 40}, 1 << 40, true},
		{[]int{1 << 20, 1 << 20, 2}, 0, false},
	} {
		if got, ok := Count(test.shape); got != test.want || ok != test.ok {
			t.Errorf("Count(%v) is %d, %v; want %d, %v", test.shape, got, ok, test.want, test.ok)
		}
	}
}

func TestBudget(t *testing.T) {
	b := NewBudget(100)
	if b.All() != 600+512<<10 || !b.Spend(b.All()-1) || b.Spend(2) || b.Spend(-1) || !b.Spend(1) || b.Spend(1) {
		t.Errorf("budget %+v", b)
	}
}

func TestFormatError(t *testing.T) {
	for _, test := range []struct {
		err  FormatError
		want string
	}{
		{FormatError{Offset: -1, Reason: "reason"}, "reason"},
		{FormatError{Path: "a.pth", Record: "b c", Offset: 3, Reason: "reason"}, `a.pth, record "b c", byte 3: reason`},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if got := Shorten("\x1b" + string(make([]byte, 100))); len(got) > 400 || got[:5] != `"\x1b` {
		t.Errorf("Shorten: %s", got)
	}
}

func TestGuess(t *testing.T) {
	for head, want := range map[string]string{
		"\ufeff <html>":           "web page",
		"version https://git-lfs": "git lfs pull",
		"\x1f\x8b\x08":            "gzip",
		"\x08\x08\x12\x07inkling": "ONNX",
	} {
		if got := Guess([]byte(head)); !strings.Contains(got, want) {
			t.Errorf("%q is %q, want %q", head, got, want)
		}
	}
	for _, head := range []string{"", "\x08", "\x08\x08", "weights", "PK\x03\x04"} {
		if got := Guess([]byte(head)); got != "" {
			t.Errorf("%q is %q", head, got)
		}
	}
}
