package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
	"inkling/weights/pth"
)

// param is an Entry that counts how often it is written.
type param struct {
	name   string
	shape  []int
	values []float32
	writes int
}

func (p *param) Name() string       { return p.name }
func (p *param) Shape() []int       { return p.shape }
func (p *param) Read(dst []float32) { copy(dst, p.values) }
func (p *param) Write(src []float32) {
	if len(src) != elements(p.shape) {
		panic(fmt.Sprintf("%d values for shape %v", len(src), p.shape))
	}
	p.writes++
	p.values = slices.Clone(src)
}

func network() []*param {
	return []*param{
		{name: "conv1.weight", shape: []int{2, 1, 1, 2}, values: []float32{1, 2, 3, float32(math.Inf(-1))}},
		{name: "conv1.bias", shape: []int{2}, values: []float32{-1, 1e-45}},
		{name: "fc1.weight", shape: []int{2, 3}, values: []float32{1, 2, 3, 4, 5, 6}},
	}
}

func blank() []*param {
	state := network()
	for _, p := range state {
		p.values = make([]float32, len(p.values))
	}
	return state
}

func full() Metadata {
	return Metadata{
		Inkling: "v0.1.0", Architecture: "LeNet", Dataset: "emnist", Split: "digits",
		Classes: []string{"0", "1", "é\n\"中"}, Mean: []float32{0.1307}, Std: []float32{0.3081},
		Orientation: Upright, Input: []int{1, 28, 28}, Extra: map[string]string{"epochs": "2", "lr": "0.001"},
	}
}

func TestSaveAndLoad(t *testing.T) {
	for name, format := range map[string]string{
		"model.pth": "pth", "model.pt": "pth", "MODEL.PTH": "pth", "model.safetensors": "safetensors", "model.npz": "npz",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := Save(path, network(), full()); err != nil {
			t.Fatal(err)
		}
		state := blank()
		if err := Load(path, state); err != nil {
			t.Fatal(err)
		}
		for i, want := range network() {
			if !slices.Equal(state[i].values, want.values) || state[i].writes != 1 {
				t.Errorf("%s is %v, want %v", want.name, state[i].values, want.values)
			}
		}
		want := full()
		want.FormatVersion = MetadataVersion
		got, err := ReadMetadata(path)
		if err != nil || !reflect.DeepEqual(got, &want) {
			t.Errorf("metadata %+v, %v, want %+v", got, err, want)
		}
		file, err := Read(path)
		if err != nil || file.Format != format || len(file.Tensors) != 3 || file.Tensors[1].DType != "float32" {
			t.Errorf("file %+v, %v", file, err)
		}
	}
}

func TestSaveWithoutMetadata(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := Save(path, network()); err != nil {
		t.Fatal(err)
	}
	if m, err := ReadMetadata(path); m != nil || err != nil {
		t.Errorf("metadata %v, %v", m, err)
	}
	if err := Save(path, network(), Metadata{}); err != nil {
		t.Fatal(err)
	}
	if m, err := ReadMetadata(path); err != nil || !reflect.DeepEqual(m, &Metadata{FormatVersion: MetadataVersion}) {
		t.Errorf("empty metadata: %v, %v", m, err)
	}
}

func TestSaveErrors(t *testing.T) {
	folder := t.TempDir()
	tests := []struct {
		name, file string
		state      []*param
		metadata   []Metadata
		says       string
	}{
		{"unknown ending", "model.bin", network(), nil, "the ending .bin names no known format; use one of .pth, .pt"},
		{"no ending", "model", network(), nil, "no ending"},
		{"no parameters", "model.pth", nil, nil, "nn.Init"},
		{"two metadata", "model.pth", network(), []Metadata{{}, {}}, "2 metadata"},
		{"two names", "model.pth", append(network(), network()[0]), nil, "two tensors have the name conv1.weight"},
		{"missing folder", "missing/model.pth", network(), nil, "does not exist; create it"},
		{"bad metadata", "model.pth", network(), []Metadata{{Orientation: "sideways"}}, "orientation is sideways"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(folder, filepath.FromSlash(test.file))
			err := Save(path, test.state, test.metadata...)
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("left over: %v %v", entries, err)
	}
}

func TestMismatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := Save(path, network()); err != nil {
		t.Fatal(err)
	}
	state := []*param{
		{name: "conv1.weight", shape: []int{2, 1, 1, 2}},
		{name: "conv1.bias", shape: []int{3}},
		{name: "conv1.bia", shape: []int{2}},
		{name: "fc1.weight", shape: []int{3, 2}},
		{name: "fc2.weight", shape: []int{1}},
	}
	state = slices.DeleteFunc(state, func(p *param) bool { return p.name == "conv1.weight" })
	err := Load(path, state)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("error %v, want a MismatchError", err)
	}
	want := &MismatchError{
		Path:       path,
		Missing:    []string{"conv1.bia", "fc2.weight"},
		Unexpected: []string{"conv1.weight"},
		Shapes:     []ShapeMismatch{{"conv1.bias", []int{3}, []int{2}}, {"fc1.weight", []int{3, 2}, []int{2, 3}}},
	}
	if !reflect.DeepEqual(mismatch, want) {
		t.Errorf("got %+v, want %+v", mismatch, want)
	}
	text := path + ` does not fit the network, so nothing was loaded; give the file of this network or build the network of this file:
  missing in the file: conv1.bia
  missing in the file: fc2.weight
  unexpected in the file: conv1.weight
  wrong shape: conv1.bias, wanted [3], got [2]
  wrong shape: fc1.weight, wanted [3 2], got [2 3] (transposed)`
	if err.Error() != text {
		t.Errorf("got %s\nwant %s", err, text)
	}
	for _, p := range state {
		if p.writes > 0 {
			t.Errorf("%s was written", p.name)
		}
	}
	if err := Load(path, append(network(), network()[0])); err == nil || !strings.Contains(err.Error(), "two parameters named conv1.weight") {
		t.Errorf("a name twice: %v", err)
	}
}

// TestLoadFromPyTorch loads files that PyTorch wrote, found by their content.
func TestLoadFromPyTorch(t *testing.T) {
	for _, name := range []string{"net_protocol2.pth", "net_legacy.pth", "net_parallel.pth", "checkpoint.pth", "whole_module.pth", "whole_module_legacy.pth"} {
		file, err := Read(filepath.Join("pth", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if whole := strings.HasPrefix(name, "whole"); whole != (file.Class != "") {
			t.Errorf("%s: the class is %q", name, file.Class)
		}
		var state []*param
		for _, tensor := range file.Tensors {
			state = append(state, &param{name: tensor.Name, shape: tensor.Shape})
		}
		data, err := os.ReadFile(filepath.Join("pth", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "no ending")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Load(path, state); err != nil {
			t.Fatal(err)
		}
		if len(state) != 9 || state[0].name != "conv.weight" || !slices.Equal(state[0].values, file.Tensors[0].Float32s()) {
			t.Errorf("%s: %d tensors, first %+v", name, len(state), state[0])
		}
	}
	err := Load(filepath.Join("pth", "testdata", "nested.pth"), blank())
	if err == nil || !strings.Contains(err.Error(), "holds no state dict") {
		t.Errorf("no state dict: %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	folder := t.TempDir()
	page := filepath.Join(folder, "page.pth")
	if err := os.WriteFile(page, []byte("<html>"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(folder, "empty.pth")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, says string }{
		{filepath.Join(folder, "missing.pth"), "does not exist; check the name"},
		{folder, "no regular file"},
		{page, "web page"},
		{empty, "empty"},
	} {
		state := blank()
		err := Load(test.path, state)
		if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), test.path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, test.says)
		}
		if _, err := ReadMetadata(test.path); err == nil {
			t.Errorf("%s: metadata without an error", test.path)
		}
		if state[0].writes > 0 {
			t.Error("the network was changed")
		}
	}
	if _, err := Read(filepath.Join(folder, "missing.pth")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	var format *pth.FormatError
	if _, err := Read(page); !errors.As(err, &format) {
		t.Errorf("web page: %v", err)
	}
}

func TestMetadataChecks(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		name   string
		change func(m *Metadata)
		says   string
	}{
		{"version", func(m *Metadata) { m.FormatVersion = 2 }, "use a newer Inkling"},
		{"negative version", func(m *Metadata) { m.FormatVersion = -1 }, "version -1"},
		{"orientation", func(m *Metadata) { m.Orientation = "Upright" }, "wanted upright or transposed"},
		{"input of two", func(m *Metadata) { m.Input = []int{28, 28} }, "2 dimensions"},
		{"input of 0", func(m *Metadata) { m.Input = []int{1, 0, 28} }, "from 1"},
		{"huge input", func(m *Metadata) { m.Input = []int{1, 1 << 30, 28} }, "from 1 to 65536"},
		{"std missing", func(m *Metadata) { m.Std = nil }, "1 means and 0 standard"},
		{"means for channels", func(m *Metadata) { m.Mean, m.Std = []float32{0, 0, 0}, []float32{1, 1, 1} }, "3 means for an input of 1 channels"},
		{"NaN", func(m *Metadata) { m.Mean = []float32{nan} }, "mean NaN"},
		{"std NaN", func(m *Metadata) { m.Std = []float32{nan} }, "std above 0"},
		{"std 0", func(m *Metadata) { m.Std = []float32{0} }, "std above 0"},
		{"extra", func(m *Metadata) { m.Extra = map[string]string{"mean": "1"} }, "key mean"},
	}
	for _, test := range tests {
		m := full()
		test.change(&m)
		if _, err := m.Pairs(); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.says)
		}
	}
	for _, test := range []struct {
		pairs map[string]string
		says  string
	}{
		{map[string]string{"format_version": "1", "classes": "0,1"}, "field classes is 0,1"},
		{map[string]string{"format_version": "1", "classes": "[1]"}, "field classes"},
		{map[string]string{"format_version": "1", "mean": `["a"]`}, "field mean"},
		{map[string]string{"format_version": "1", "std": `[1e99]`}, "field std"},
		{map[string]string{"format_version": "1", "input": "[1,2"}, "field input"},
		{map[string]string{"format_version": "1", "input": "[" + strings.Repeat("0,", 4000) + "0]"}, "8003 bytes, wanted at most 4096"},
		{map[string]string{"format_version": "one"}, "field format_version"},
		{map[string]string{"format_version": "2"}, "newer Inkling"},
		{map[string]string{"format_version": "1", "mean": "[0.5]"}, "1 means and 0"},
	} {
		if _, err := metadataOf(test.pairs); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%.200v: error %v, want %q", test.pairs, err, test.says)
		}
	}
}

// TestUnknownMetadata keeps what a newer or another program wrote.
func TestUnknownMetadata(t *testing.T) {
	m, err := metadataOf(map[string]string{"format_version": "1", "dataset": "mnist", "later": "[1]"})
	if err != nil || m.Dataset != "mnist" || !reflect.DeepEqual(m.Extra, map[string]string{"later": "[1]"}) {
		t.Errorf("%+v, %v", m, err)
	}
	pairs, err := m.Pairs()
	if err != nil || pairs["later"] != "[1]" || pairs["dataset"] != "mnist" {
		t.Errorf("%v, %v", pairs, err)
	}
	m, err = metadataOf(map[string]string{"format": "pt", "classes": "many"})
	if err != nil || m.FormatVersion != 0 || len(m.Extra) != 2 || m.Classes != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestRegisterFormat adds a format as another package would.
func TestRegisterFormat(t *testing.T) {
	before := slices.Clone(registry.formats)
	t.Cleanup(func() { registry.formats = before })
	toy := Format{
		Name: "toy", Endings: []string{".toy"},
		Sniff: func(head []byte) bool { return bytes.HasPrefix(head, []byte("TOY")) },
		Read: func(r io.ReaderAt, size int64) (*File, map[string]string, error) {
			data := make([]byte, size)
			if _, err := r.ReadAt(data, 0); err != nil && err != io.EOF {
				return nil, nil, err
			}
			value := math.Float32frombits(binary.LittleEndian.Uint32(data[3:]))
			return &File{Tensors: []Tensor{NewTensor("x", []int{1}, []float32{value})}}, nil, nil
		},
		Write: func(w io.Writer, tensors []Tensor, _ map[string]string) error {
			_, err := w.Write(binary.LittleEndian.AppendUint32([]byte("TOY"), math.Float32bits(tensors[0].Float32s()[0])))
			return err
		},
	}
	RegisterFormat(toy)
	path := filepath.Join(t.TempDir(), "x.toy")
	if err := Save(path, []*param{{name: "x", shape: []int{1}, values: []float32{7}}}); err != nil {
		t.Fatal(err)
	}
	state := []*param{{name: "x", shape: []int{1}}}
	if err := Load(path, state); err != nil || state[0].values[0] != 7 {
		t.Errorf("%v, %v", state[0].values, err)
	}
	for _, again := range []Format{{Name: "toy"}, {Name: "other", Endings: []string{".pth"}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was registered", again.Name)
				}
			}()
			RegisterFormat(again)
		}()
	}
}

// TestMemory holds reading whole files to 8 times their size and 1 MB.
func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	for name, metadata := range map[string]Metadata{
		"none":         {},
		"many classes": {Classes: make([]string, 20_000)},
		"some classes": {Classes: make([]string, 3_000)},
		"long classes": {Classes: []string{strings.Repeat("x", 200_000)}},
		"quotes":       {Extra: map[string]string{"a": strings.Repeat(`"`, 50_000)}},
	} {
		state := append(network(), &param{name: "large", shape: []int{50_000}, values: make([]float32, 50_000)})
		if err := Save(path, state, metadata); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		most := 8*uint64(info.Size()) + 1<<20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = Read(path)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			t.Errorf("%s: reading %d bytes took %d bytes of memory", name, info.Size(), used)
		}
		if err != nil { // what was saved must be read again
			t.Errorf("%s: %v", name, err)
		}
	}
	huge := Metadata{Classes: make([]string, 500_000)}
	if err := Save(path, network(), huge); err == nil || !strings.Contains(err.Error(), "too much for a file") {
		t.Errorf("metadata that would not be read again: %v", err)
	}
}

// FuzzMetadata holds reading metadata to the memory and the work of a file of its size.
func FuzzMetadata(f *testing.F) {
	f.Add(`["0","1"]`, `[0.1307]`, `[0.3081]`, `[1,28,28]`, "1")
	f.Add(`[[[[`, `null`, `[]`, `{}`, "x")
	f.Fuzz(func(t *testing.T, classes, mean, std, input, version string) {
		pairs := map[string]string{"classes": classes, "mean": mean, "std": std, "input": input, "format_version": version}
		var m *Metadata
		size := len(classes) + len(mean) + len(std) + len(input) + len(version)
		err := hostile.Bounded(t, func(io.ReaderAt, int64) (err error) {
			m, err = metadataOf(pairs)
			return err
		}, make([]byte, size))
		if err != nil {
			return
		}
		again, err := m.Pairs()
		if err != nil {
			t.Fatal(err)
		}
		second, err := metadataOf(again)
		if err != nil || fmt.Sprint(second) != fmt.Sprint(m) {
			t.Errorf("%v became %v, %v", m, second, err)
		}
	})
}
