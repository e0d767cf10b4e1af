package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"inkling/weights"
)

// writePictures writes pictures as CIFAR-10 is published, a few of them: stripes across,
// stripes down and none.
func writePictures(t *testing.T, dir string) {
	for file := range 6 {
		name := fmt.Sprintf("data_batch_%d.bin", file+1)
		if file == 5 {
			name = "test_batch.bin"
		}
		var b []byte
		for i := range 12 {
			class, number := i%3, 12*file+i
			b = append(b, byte(class))
			for at := range size {
				bright := (number*7+at/(side*side)*13)%64 + 64
				if class == 0 && (at/side+number)%8 < 4 || class == 1 && (at%side+number)%8 < 4 {
					bright = 255 - bright
				}
				b = append(b, byte(bright))
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The example is built and run as a reader would, on a few made-up pictures.
func TestAirbench(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a program")
	}
	program := filepath.Join(t.TempDir(), "airbench.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	pictures := t.TempDir()
	writePictures(t, pictures)
	command := exec.Command(program, "-data", pictures, "-epochs", "4", "-batch", "12")
	command.Dir = t.TempDir()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	accuracy := regexp.MustCompile(`(?s)\[4\] loss: \d\.\d{3}.*on the 12 test images: ([\d.]+)%, with views ([\d.]+)%`).FindSubmatch(out)
	if accuracy == nil {
		t.Fatalf("no accuracy in what it printed:\n%s", out)
	}
	for _, a := range accuracy[1:] {
		if a, err := strconv.ParseFloat(string(a), 64); err != nil || a < 90 {
			t.Errorf("accuracy is %v%%, want 90 or more:\n%s", a, out)
		}
	}
	// What is frozen stays as it was: the scales of the BatchNorms at 1.
	file, err := weights.Read(filepath.Join(command.Dir, "airbench.pth"))
	if err != nil {
		t.Fatal(err)
	}
	scales := 0
	for _, tensor := range file.Tensors {
		if ok, _ := filepath.Match("layers.*.norm?.weight", tensor.Name); ok {
			scales++
			for _, v := range tensor.Float32s() {
				if v != 1 {
					t.Fatalf("%s was trained: it has a %v", tensor.Name, v)
				}
			}
		}
	}
	if scales != 6 {
		t.Errorf("airbench.pth has the scales of %d BatchNorms, want 6", scales)
	}
}

// look mirrors, moves, and shows the mirrored picture behind its border.
func TestLook(t *testing.T) {
	pixels, plain, seen := make([]byte, size), make([]float32, size), make([]float32, size)
	for i := range pixels {
		pixels[i] = byte(i*31 + i/side*7)
	}
	look(plain, pixels, false, 0, 0)
	if want := (float32(pixels[0])/255 - 0.4914) / 0.2470; math.Abs(float64(plain[0]-want)) > 1e-6 {
		t.Errorf("the first sample is %v, want %v", plain[0], want)
	}
	at := func(samples []float32, c, y, x int) float32 { return samples[(c*side+y)*side+x] }
	look(seen, pixels, true, 1, -2)
	for c := range channels {
		for _, place := range [][4]int{{5, 7, 4, side - 1 - 9}, {0, 0, 1, side - 1 - 2}, {31, 31, 30, side - 1 - 29}, {1, 30, 0, side - 1 - 30}} {
			if got, want := at(seen, c, place[0], place[1]), at(plain, c, place[2], place[3]); got != want {
				t.Errorf("channel %d, row %d, column %d is %v, want row %d, column %d of the picture: %v", c, place[0], place[1], got, place[2], place[3], want)
			}
		}
	}
}
