package kernel

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestPlainHasAll counts the functions of a set: what the others lack, plain Go
// must have.
func TestPlainHasAll(t *testing.T) {
	v := reflect.ValueOf(plain)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Type.Kind() == reflect.Func && f.Name != "PeakLoop" && f.Name != "LoadLoop" && v.Field(i).IsNil() {
			t.Errorf("the set of plain Go lacks %s", f.Name)
		}
	}
}

func TestChoose(t *testing.T) {
	before := candidates
	defer func() {
		candidates = before
		Use("")
	}()
	called := false
	fast := Set{Name: "fast", Add: func(y, x []float32) { called = true }}
	candidates = []candidate{{Set: plain}, {Set: fast}, {Set: Set{Name: "wide"}, lacking: "wide registers"}}
	families = append(families, "foreign")
	defer func() { families = families[:len(families)-1] }()

	if got := strings.Join(Names(), " "); got != "go fast" {
		t.Errorf("the sets that can be used are %s, want go fast", got)
	}
	tests := []struct{ ask, want, refused string }{
		{"", "fast", ""},
		{"go", "go", ""},
		{"fast", "fast", ""},
		{"wide", "fast", `INKLING_KERNELS is "wide", but this processor lacks wide registers; it runs go and fast`},
		{"foreign", "fast", `INKLING_KERNELS is "foreign", which this program was built without; it runs go and fast`},
		{"Go", "fast", `INKLING_KERNELS is "Go", which is no set of kernels; this machine runs go and fast`},
	}
	for _, test := range tests {
		err := choose(test.ask)
		if got := Implementation(); got != test.want {
			t.Errorf("asked for %q, %s is in use, want %s", test.ask, got, test.want)
		}
		refused := ""
		if err != nil {
			refused = err.Error()
		}
		if refused != test.refused {
			t.Errorf("asked for %q, the error is %q, want %q", test.ask, refused, test.refused)
		}
	}
	if err := choose("fast"); err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 9)
	Add(y, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9})
	if !called || y[8] != 9 {
		t.Errorf("Add did not run the set's kernel on the first eight (%t) and plain Go on the ninth (%v)", called, y)
	}
	MaskPositive(y, make([]float32, 9)) // which the set lacks
	if y[8] != 0 {
		t.Errorf("a kernel that the set lacks left %v", y)
	}
}

// TestKernelsAreChecked wants a test that calls every kernel of a set: those run with each
// set that the machine has, against plain Go.
func TestKernelsAreChecked(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, path := range files {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(source)
	}
	for i := range reflect.TypeFor[Set]().NumField() {
		f := reflect.TypeFor[Set]().Field(i)
		name := f.Name
		if method, ok := map[string]string{"UpdateSGD": "Update", "UpdateAdam": "Update", "CurveValues": "Values", "CurveSlopes": "AddSlopes"}[name]; ok {
			name = method
		}
		called := regexp.MustCompile(`\b` + name + `\(`)
		if f.Type.Kind() == reflect.Func && f.Name != "PeakLoop" && f.Name != "LoadLoop" && !called.MatchString(tests.String()) {
			t.Errorf("no test calls %s", f.Name)
		}
	}
}
