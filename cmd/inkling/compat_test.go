package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inkling/optim"
	"inkling/plot"
	"inkling/sketch"
)

// The folder testdata/compat has what the first version wrote and printed; make.py
// there says how. What these tests want of it later versions must go on to do, or
// CHANGELOG.md names the change and the command says what to use instead.

// told is what the first version printed about a file, as JSON.
type told struct {
	Info, Predict, Test any
	Picture             string
}

// command runs a command line that must succeed, and returns what it printed.
func command(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, stderr bytes.Buffer
	if status := run(args, strings.NewReader(""), &out, &stderr); status != statusOK {
		t.Fatalf("inkling %s: status %d, %s", strings.Join(args, " "), status, stderr.String())
	}
	return out.Bytes()
}

// lacks lists what is in old JSON and not, or otherwise, in new. Numbers may differ
// as far as processors and kernels make them.
func lacks(path string, before, now any) []string {
	switch before := before.(type) {
	case map[string]any:
		object, ok := now.(map[string]any)
		if !ok {
			return []string{path + " is no object any more"}
		}
		var all []string
		for key, value := range before {
			if _, ok := object[key]; !ok {
				all = append(all, path+"."+key+" is gone")
			} else {
				all = append(all, lacks(path+"."+key, value, object[key])...)
			}
		}
		return all
	case []any:
		list, ok := now.([]any)
		if !ok || len(list) != len(before) {
			return []string{fmt.Sprintf("%s has not %d elements any more", path, len(before))}
		}
		var all []string
		for i := range before {
			all = append(all, lacks(fmt.Sprintf("%s[%d]", path, i), before[i], list[i])...)
		}
		return all
	case float64:
		number, ok := now.(float64)
		if !ok || math.Abs(number-before) > 1e-3*math.Abs(before) {
			return []string{fmt.Sprintf("%s is %v, was %v", path, now, before)}
		}
	case nil: // nothing was told; what is now may be an empty list
	default:
		if before != now {
			return []string{fmt.Sprintf("%s is %v, was %v", path, now, before)}
		}
	}
	return nil
}

func expectCompatible(t *testing.T, what string, before any, printed []byte) {
	t.Helper()
	if before == nil {
		return
	}
	var now any
	if err := json.Unmarshal(printed, &now); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, fault := range lacks("", before, now) {
		t.Errorf("%s: %s", what, fault)
	}
}

func TestOldFiles(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "compat"))
	text, err := os.ReadFile("expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]told
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected) != 10 {
		t.Errorf("%d files, want 10", len(expected))
	}
	for name, before := range expected {
		t.Run(name, func(t *testing.T) {
			expectCompatible(t, "info", before.Info, command(t, "info", name, "--json"))
			if before.Predict == nil {
				return // pixels.onnx, which is for others
			}
			expectCompatible(t, "predict", before.Predict, command(t, "predict", name, before.Picture, "--json"))
			if before.Test != nil {
				expectCompatible(t, "test", before.Test, command(t, "test", name, "--data", "data", "--json"))
			}
			for _, ending := range []string{".pth", ".safetensors", ".npz"} {
				to := filepath.Join(t.TempDir(), "converted"+ending)
				command(t, "convert", name, to)
				var was, is []map[string]any
				if err := json.Unmarshal(command(t, "predict", to, before.Picture, "--json"), &is); err != nil {
					t.Fatal(err)
				}
				text, _ := json.Marshal(before.Predict)
				if err := json.Unmarshal(text, &was); err != nil {
					t.Fatal(err)
				}
				for _, fault := range lacks("", was[0]["probabilities"], is[0]["probabilities"]) {
					t.Errorf("predict after convert to %s: %s", ending, fault)
				}
			}
			if before.Picture == "picture.png" {
				command(t, "convert", name, filepath.Join(t.TempDir(), "converted.onnx"))
			}
		})
	}
}

// A training goes on to take a model of the first version for one of its own.
func TestOldModelIsKept(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "compat", "model.pth"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkReplaceable(path); err != nil {
		t.Error(err)
	}
}

func TestOldFlags(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "compat", "flags.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if words[0] == "#" {
			continue
		}
		lines++
		flag := strings.TrimPrefix(words[len(words)-1], "--")
		c := newRoot()
		for _, name := range words[1 : len(words)-1] {
			if c = find(c, name); c == nil {
				break
			}
		}
		if c == nil {
			t.Errorf("%s: there is no such command", strings.TrimSpace(line))
			continue
		}
		c.InitDefaultHelpFlag()
		c.InitDefaultVersionFlag()
		if c.Flags().Lookup(flag) == nil && c.InheritedFlags().Lookup(flag) == nil && c.PersistentFlags().Lookup(flag) == nil {
			t.Errorf("%s: there is no such flag", strings.TrimSpace(line))
		}
	}
	if lines != 139 {
		t.Errorf("%d flags, want 139", lines)
	}
}

// The values that flags took.
func TestOldValues(t *testing.T) {
	for _, name := range strings.Fields("mnist fashion-mnist kmnist qmnist emnist emnist:mnist emnist:digits emnist:letters emnist:balanced emnist:bymerge emnist:byclass usps cifar-10 cifar-100 svhn") {
		if findPublished(name) == nil {
			t.Errorf("there is no data set %s", name)
		}
	}
	for _, spec := range []string{"", "none", "auto", "auto,blur", "crop", "crop=4,flip,vflip=0.2,rotate=15,affine=10,perspective=0.2,elastic=50,color=0.2,blur=1,erase=0.5,mixup=0.2,cutmix=1,fill=127"} {
		if _, err := parseAugment(spec, 3, 32, 32, false); err != nil {
			t.Errorf("--augment %s: %v", spec, err)
		}
	}
	for _, name := range strings.Fields("emnist mnist tutorial") {
		if _, err := sketch.ParseProcedure(name); err != nil {
			t.Errorf("--preprocess %s: %v", name, err)
		}
	}
	for _, name := range strings.Fields("kitty iterm2 sixel blocks none") {
		if _, err := plot.ParseGraphics(name); err != nil {
			t.Errorf("--graphics %s: %v", name, err)
		}
	}
	for _, size := range []string{"32", "24x32"} {
		if err := (pictureOptions{size: size}).check(); err != nil {
			t.Errorf("--size %s: %v", size, err)
		}
	}
	o := trainOptions{epochs: 2, batch: 4, rng: "torch", out: "m.PT", saveOptimizer: true}
	o.gamma, o.optimizer = 1, &optim.SGD{LR: 0.001, Momentum: 0.9}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}
