package optim

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio"
)

// golden reads testdata/optim.zip.
type golden struct{ files map[string]*zip.File }

func openGolden(t *testing.T) golden {
	t.Helper()
	z, err := zip.OpenReader("testdata/optim.zip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() })
	g := golden{map[string]*zip.File{}}
	for _, f := range z.File {
		g.files[f.Name] = f
	}
	return g
}

func (g golden) bytes(t *testing.T, name string) []byte {
	t.Helper()
	f, err := g.files[name].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (g golden) array(t *testing.T, name string) []float32 {
	t.Helper()
	var values []float32
	if err := npyio.Read(strings.NewReader(string(g.bytes(t, name))), &values); err != nil {
		t.Fatal(name, err)
	}
	return values
}

// set sets an optimizer or schedule up with PyTorch's settings, and returns
// the names that it does not have.
func set(t *testing.T, settings []Setting, values map[string]any) (unknown []string) {
	t.Helper()
	for name, value := range values {
		at := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
		if at < 0 {
			unknown = append(unknown, name)
			continue
		}
		text := strings.Trim(strings.ReplaceAll(fmt.Sprint(value), " ", ","), "[]")
		if err := settings[at].Set(text); err != nil {
			t.Fatal(err)
		}
	}
	return unknown
}

// TestGolden retraces twelve steps of PyTorch's optimizers with every option, on
// two parameters.
func TestGolden(t *testing.T) {
	g := openGolden(t)
	var cases []struct {
		Name   string
		Params struct {
			Op         string
			Steps      int
			Parameters []string `json:"p0"`
			Grads      []string
			Defaults   map[string]any
		}
		Files map[string]string
	}
	if err := json.Unmarshal(g.bytes(t, "index.json"), &cases); err != nil {
		t.Fatal(err)
	}
	covered := map[string]int{}
	for _, c := range cases {
		at := slices.IndexFunc(Table, func(k Kind) bool { return k.Class == c.Params.Op })
		if at < 0 || c.Params.Defaults == nil || c.Params.Defaults["maximize"] == true {
			continue
		}
		covered[c.Params.Op]++
		t.Run(c.Name, func(t *testing.T) {
			for k, file := range []string{"traj_a", "traj_b"} {
				o := Table[at].New()
				for _, name := range set(t, o.Settings(), c.Params.Defaults) {
					switch value := c.Params.Defaults[name]; {
					case value == nil, value == false: // foreach, capturable and the like
					default:
						t.Fatalf("no setting %s, which is %v", name, value)
					}
				}
				if err := o.Check(); err != nil {
					t.Fatal(err)
				}
				parameter, gradients, want := g.array(t, c.Params.Parameters[k]), g.array(t, c.Params.Grads[k]), g.array(t, c.Files[file])
				var slots [][]float32
				for range o.Slots() {
					slots = append(slots, make([]float32, len(parameter)))
				}
				var worst float64
				for step := range c.Params.Steps {
					at := step * len(parameter)
					o.Begin(step + 1)
					o.Update(parameter, gradients[at:at+len(parameter)], slots)
					for i, v := range parameter {
						diff := math.Abs(float64(v - want[at+i]))
						worst = max(worst, diff)
						if !(diff <= 1e-5*max(1, math.Abs(float64(want[at+i])))) {
							t.Fatalf("step %d, element %d: %v, PyTorch has %v", step+1, i, v, want[at+i])
						}
					}
				}
				t.Logf("largest difference %.2g", worst)
			}
		})
	}
	for _, k := range Table {
		if covered[k.Class] == 0 && k.Class != "Muon" {
			t.Errorf("no golden run of %s", k.Class)
		}
	}
}

// TestMuonGolden retraces twelve steps of Muon's formula in float64.
func TestMuonGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/muon.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Shape    []int
		Settings struct {
			LR           float64
			WeightDecay  float64 `json:"weight_decay"`
			Momentum     float64
			Nesterov     bool
			Coefficients [3]float64 `json:"ns_coefficients"`
			Eps          float64
			NSSteps      int `json:"ns_steps"`

			NormalizeRows bool `json:"-"`
		}
		Parameter []float32
		Gradients [][]float32
		Steps     [][]float32
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m := Muon(c.Settings)
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		if err := m.CheckShape(c.Shape); err != nil {
			t.Fatal(err)
		}
		slots := [][]float32{make([]float32, len(c.Parameter))}
		scratch := make([]float32, m.Scratch(c.Shape))
		for i := range scratch {
			scratch[i] = float32(math.NaN()) // its contents are undefined
		}
		for step, gradient := range c.Gradients {
			m.Begin(step + 1)
			m.UpdateTensor(c.Shape, c.Parameter, gradient, slots, scratch)
			for i, v := range c.Parameter {
				if want := c.Steps[step][i]; !(math.Abs(float64(v-want)) <= 2e-5*max(1, math.Abs(float64(want)))) {
					t.Fatalf("%v, step %d, element %d: %v, the formula has %v", c.Shape, step+1, i, v, want)
				}
			}
		}
	}
	if err := NewMuon(0.1).CheckShape([]int{5}); err == nil {
		t.Error("Muon takes a vector")
	}
}

// TestMuonNormalizesRows holds a step with NormalizeRows to one without, of rows that are
// of length 1 on the mean already, times any factor.
func TestMuonNormalizesRows(t *testing.T) {
	shape, gradient := []int{2, 3}, []float32{1, -2, 3, -4, 5, -6}
	step := func(normalize bool, factor float32) []float32 {
		m := NewMuon(0.1)
		m.NormalizeRows = normalize
		parameter := []float32{1, 0, 0, 0.6, 0, -0.8}
		for i := range parameter {
			parameter[i] *= factor
		}
		m.UpdateTensor(shape, parameter, gradient, [][]float32{make([]float32, 6)}, make([]float32, m.Scratch(shape)))
		return parameter
	}
	want := step(false, 1)
	for _, factor := range []float32{1, 0.01, 300} {
		for i, v := range step(true, factor) {
			if !(math.Abs(float64(v-want[i])) < 1e-6) {
				t.Errorf("times %v: element %d is %v, want %v", factor, i, v, want[i])
			}
		}
	}
	if zeros := step(true, 0); zeros[0] != zeros[0] {
		t.Error("a parameter of zeros becomes NaN")
	}
}

// TestZerosStay checks what padding needs: where the parameter and its gradient
// are zero, zero stays, and numbers that only decay become zero.
func TestZerosStay(t *testing.T) {
	for _, k := range Table {
		o := k.New()
		if k.Name == "sgd" || k.Name == "muon" {
			continue // the kernel's own tests; whole tensors
		}
		for _, text := range []string{"", "eps=0"} {
			if err := SetAll(o.Settings(), text); err != nil {
				t.Fatal(err)
			}
			slots := make([][]float32, o.Slots())
			for i := range slots {
				slots[i] = []float32{0, 1e-30, -1e-31}
				if strings.HasSuffix(o.SlotNames()[i], "sq") {
					slots[i][2] = 1e-31
				}
			}
			parameter := []float32{0, 0, 0}
			o.Begin(10)
			o.Update(parameter, []float32{0, 0, 0}, slots)
			if parameter[0] != 0 || parameter[2] != 0 {
				t.Errorf("%s %s: zeros became %v", k.Name, text, parameter)
			}
			for i := range slots {
				if slots[i][1] != 0 || slots[i][2] != 0 {
					t.Errorf("%s: %s holds %v, want zeros", k.Name, o.SlotNames()[i], slots[i])
				}
			}
		}
	}
}

// TestDescriptions holds the table to what PyTorch has.
func TestDescriptions(t *testing.T) {
	for _, k := range Table {
		found, err := Find(k.Name)
		if err != nil || found.Class != k.Class {
			t.Errorf("Find(%q) is %v, %v", k.Name, found, err)
		}
		o := k.New()
		if err := o.Check(); err != nil {
			t.Errorf("%s: PyTorch's defaults are refused: %v", k.Name, err)
		}
		if len(o.SlotNames()) != o.Slots() {
			t.Errorf("%s has %d slots and the names %v", k.Name, o.Slots(), o.SlotNames())
		}
		for _, s := range o.Settings() {
			if s.Usage == "" {
				t.Errorf("%s: %s has no usage", k.Name, s.Name)
			}
			text := s.String()
			if err := s.Set(text); err != nil || s.String() != text {
				t.Errorf("%s: setting %s to its own %q gives %q, %v", k.Name, s.Name, text, s.String(), err)
			}
			if v, ok := s.Value.(*float64); ok {
				for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
					old := *v
					*v = bad
					if err := o.Check(); err == nil && s.Name != "dampening" {
						t.Errorf("%s takes a %s of %v", k.Name, s.Name, bad)
					}
					*v = old
				}
			}
		}
	}
	if _, err := Find("lion"); err == nil || !strings.Contains(err.Error(), "adamw") {
		t.Errorf("Find of an optimizer that there is not: %v", err)
	}
	for text, o := range map[string]Optimizer{
		"below 1":     &Adam{Betas: [2]float64{0.9, 1}, Eps: 1e-8},
		"first beta":  &AdamW{Betas: [2]float64{-0.1, 0.9}, Eps: 1e-8},
		"NewAdam":     &Adam{LR: 0.1},
		"no dampen":   &SGD{Nesterov: true, Momentum: 0.9, Dampening: 0.1},
		"Nesterov":    &SGD{Nesterov: true},
		"1 to 99":     &Muon{},
		"alpha of 1.": &RMSprop{Alpha: 1.1},
	} {
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want something with %q", o, err, text)
		}
	}
}

func TestSetAll(t *testing.T) {
	a := NewAdamW(0.1)
	if err := SetAll(a.Settings(), "lr=0.25 betas=0.5,0.75 amsgrad=true"); err != nil {
		t.Fatal(err)
	}
	if a.LR != 0.25 || a.Betas != [2]float64{0.5, 0.75} || !a.AMSGrad {
		t.Errorf("got %+v", a)
	}
	for text, says := range map[string]string{"lr=x": "want a number", "lr": "write lr=", "momentum=1": "there are lr, betas", "betas=0.9": "two numbers", "amsgrad=1": "true or false", "lr=NaN": "want a number"} {
		if err := SetAll(a.Settings(), text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("SetAll(%q): %v, want something with %q", text, err, says)
		}
	}
}
