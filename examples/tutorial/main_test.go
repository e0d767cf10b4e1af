package main

import (
	"bytes"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"inkling/weights"
)

// The tutorial is built and run as a reader would, on fewer pictures.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a program")
	}
	program := filepath.Join(t.TempDir(), "tutorial.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	command := exec.Command(program, "-limit", "16000")
	command.Dir = t.TempDir()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`batch.png shows \[7 2 1 0\]`, `\[1, 2000\] loss: \d\.\d{3}`, `\[2, 4000\] loss: 0\.\d{3}`, `the 7 was read as 7`} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("no %q in what it printed:\n%s", want, out)
		}
	}
	accuracy := regexp.MustCompile(`on the 10000 test images: ([\d.]+)%`).FindSubmatch(out)
	if accuracy == nil {
		t.Fatalf("no accuracy in what it printed:\n%s", out)
	}
	if a, err := strconv.ParseFloat(string(accuracy[1]), 64); err != nil || a < 94 {
		t.Errorf("accuracy is %s%%, want 94 or more", accuracy[1])
	}

	grid, err := os.ReadFile(filepath.Join(command.Dir, "batch.png"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(grid)); err != nil {
		t.Errorf("batch.png: %v", err)
	}
	file, err := weights.Read(filepath.Join(command.Dir, "model.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Tensors) != 10 || file.Tensors[0].Name != "conv1.weight" {
		t.Errorf("model.pth has %d tensors", len(file.Tensors))
	}
}

// Who reads the tutorial must not have to scroll for long.
func TestTutorialIsShort(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(source, []byte("\n")); lines > 150 {
		t.Errorf("main.go has %d lines", lines)
	}
}
