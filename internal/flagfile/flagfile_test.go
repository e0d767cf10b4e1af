package flagfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

type settings struct {
	epochs int
	lr     float64
	seed   uint64
	test   bool
	data   string
	betas  []float64
	freeze []string
	secret string
}

func flagsOf(s *settings) *pflag.FlagSet {
	f := pflag.NewFlagSet("train", pflag.ContinueOnError)
	f.SortFlags = false
	f.IntVar(&s.epochs, "epochs", 2, "show every picture `N` times")
	f.Float64Var(&s.lr, "lr", 0.001, "learning `RATE`")
	f.Uint64Var(&s.seed, "seed", 1, "`NUMBER`")
	f.BoolVar(&s.test, "test", true, "test the network")
	f.StringVar(&s.data, "data", "auto", "`SET` of pictures:\ntwo lines")
	f.Float64SliceVar(&s.betas, "betas", []float64{0.9, 0.999}, "betas")
	f.StringSliceVar(&s.freeze, "freeze", nil, "layers")
	f.StringVar(&s.secret, "config", "", "not kept")
	return f
}

func keep(f *pflag.Flag) bool { return f.Name != "config" }

func TestRoundTrip(t *testing.T) {
	for _, args := range [][]string{
		nil,
		{"--epochs", "7", "--lr", "1e-05", "--seed", "18446744073709551615", "--test=false", "--data", "~/My photos: 2024 #1 \"a\"\n\\ 图片", "--betas", "0.5,0.25", "--freeze", "a.*,b c"},
		{"--data", ""}, {"--data", "true"}, {"--data", "012"}, {"--data", "null"}, {"--data", "- a"}, {"--freeze", "\"a,b\",c"},
	} {
		var before settings
		flags := flagsOf(&before)
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "config.yaml")
		var text strings.Builder
		if err := Write(&text, flags, keep); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		var after settings
		again := flagsOf(&after)
		if err := Apply(path, again, keep); err != nil {
			t.Fatalf("%v in\n%s", err, text.String())
		}
		if after.epochs != before.epochs || after.lr != before.lr || after.seed != before.seed || after.test != before.test || after.data != before.data ||
			!slices.Equal(after.betas, before.betas) || !slices.Equal(after.freeze, before.freeze) {
			t.Errorf("%q became %+v, want %+v:\n%s", args, after, before, text.String())
		}
		if strings.Contains(text.String(), "config") {
			t.Errorf("a flag was kept that should not:\n%s", text.String())
		}
	}
}

func TestCommandLineWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	os.WriteFile(path, []byte("# mine\nepochs: 5\nlr: 1e-2 # ten times\ndata: cifar10\n"), 0o644)
	var s settings
	flags := flagsOf(&s)
	if err := flags.Parse([]string{"--epochs", "9"}); err != nil {
		t.Fatal(err)
	}
	if err := Apply(path, flags, keep); err != nil {
		t.Fatal(err)
	}
	if s.epochs != 9 || s.lr != 0.01 || s.data != "cifar10" {
		t.Errorf("settings are %+v", s)
	}
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		text         string
		line, column int
		want         string
	}{
		{"epochs: 5\nepoch: 6\n", 2, 1, "there is no setting \"epoch\"; there are epochs, lr"},
		{"config: a\n", 1, 1, "there is no setting \"config\""},
		{"lr: fast\n", 1, 1, "\"lr\" cannot be fast"},
		{"\n\nepochs: [1, 2]\n", 3, 1, "one value, not a list"},
		{"epochs: {a: 1}\n", 1, 1, "a text, a number"},
		{"betas: [[1], 2]\n", 1, 1, "single values"},
		{"betas: [0.9, x]\n", 1, 1, "\"betas\" cannot be 0.9, x"},
		{"epochs:\n", 1, 1, "a text, a number"},
		{"- epochs\n- lr\n", 1, 1, "name: value"},
		{"just words\n", 1, 1, "name: value"},
		{"epochs: 1\nlr: 2\nepochs: 3\n", 3, 1, "epochs"},
		{"lr: \"unfinished\nepochs: 2\n", 1, 5, ""},
		{"a: *unknown\n", 1, 1, ""},
		{strings.Repeat("#", mostBytes+1), 0, 0, "larger than"},
	} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		os.WriteFile(path, []byte(test.text), 0o644)
		s := settings{}
		flags := flagsOf(&s)
		before := s.epochs
		err := Apply(path, flags, keep)
		var fault *Error
		if !errors.As(err, &fault) {
			t.Errorf("%.40q: error is %v", test.text, err)
			continue
		}
		if fault.Line != test.line || fault.Column != test.column || !strings.Contains(fault.Reason, test.want) {
			t.Errorf("%.40q: error is %v (%d:%d), want %d:%d %q", test.text, fault, fault.Line, fault.Column, test.line, test.column, test.want)
		}
		if strings.ContainsAny(fault.Error(), "\n") {
			t.Errorf("%.40q: error %q has several lines", test.text, fault)
		}
		if s.epochs != before {
			t.Errorf("%.40q: a faulty file set something", test.text)
		}
	}
	var s settings
	if err := Apply(filepath.Join(t.TempDir(), "none.yaml"), flagsOf(&s), keep); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestEmptyFile(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		os.WriteFile(path, []byte(text), 0o644)
		var s settings
		if err := Apply(path, flagsOf(&s), keep); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzApply(f *testing.F) {
	for _, seed := range []string{"epochs: 5\n", "lr: [1, 2]", "a: &b [*b, *b]", "? a\n: b", "---\n...\n", "{epochs: 3, lr: .inf}", "data: |\n  a\n  b\n", "<<: {epochs: 2}"} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		// Allocations count the work, which a clock cannot tell.
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		defer func() {
			runtime.ReadMemStats(&after)
			if n := after.Mallocs - before.Mallocs; n > 10_000+1_000*uint64(len(text)) {
				t.Errorf("%d bytes took %d allocations", len(text), n)
			}
		}()
		if _, err := parse(path, text); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error %q has several lines", err)
		}
	})
}
