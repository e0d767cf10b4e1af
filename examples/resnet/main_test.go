package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"inkling/weights"
)

// pixel is a point of a picture of a class: stripes across, stripes down, or none, in any
// colours, which the number of the picture chooses.
func pixel(class, number, x, y, channel int) byte {
	bright := (number*7+channel*13)%64 + 64
	switch {
	case class == 0 && (y+number)%8 < 4, class == 1 && (x+number)%8 < 4:
		return byte(255 - bright)
	}
	return byte(bright)
}

// writeCIFAR writes pictures as CIFAR-10 is published, fewer of them.
func writeCIFAR(t *testing.T, dir string) {
	for file := range 6 {
		name := fmt.Sprintf("data_batch_%d.bin", file+1)
		if file == 5 {
			name = "test_batch.bin"
		}
		var b []byte
		for i := range 30 {
			class := i % 3
			b = append(b, byte(class))
			for channel := range 3 {
				for y := range 32 {
					for x := range 32 {
						b = append(b, pixel(class, 30*file+i, x, y, channel))
					}
				}
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// writeFolder writes pictures of 24x16 pixels, a folder for every class.
func writeFolder(t *testing.T, dir string) {
	for part, count := range map[string]int{"train": 64, "test": 12} {
		for class, name := range []string{"across", "down", "plain"} {
			place := filepath.Join(dir, part, name)
			if err := os.MkdirAll(place, 0o755); err != nil {
				t.Fatal(err)
			}
			for i := range count {
				img := image.NewRGBA(image.Rect(0, 0, 24, 16))
				for y := range 16 {
					for x := range 24 {
						img.Set(x, y, color.RGBA{pixel(class, i, x, y, 0), pixel(class, i, x, y, 1), pixel(class, i, x, y, 2), 255})
					}
				}
				var b bytes.Buffer
				if err := png.Encode(&b, img); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(place, fmt.Sprint(i, ".png")), b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// The example is built and run as a reader would, on a few made-up pictures.
func TestResNet(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a program")
	}
	program := filepath.Join(t.TempDir(), "resnet.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	for name, write := range map[string]func(*testing.T, string){"cifar": writeCIFAR, "folder": writeFolder} {
		t.Run(name, func(t *testing.T) {
			pictures := t.TempDir()
			write(t, pictures)
			command := exec.Command(program, "-data", pictures, "-epochs", "5", "-blocks", "1", "-batch", "16")
			command.Dir = t.TempDir()
			out, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			accuracy := regexp.MustCompile(`\[5\] loss: \d\.\d{3}, accuracy on the \d+ test images: ([\d.]+)%`).FindSubmatch(out)
			if accuracy == nil {
				t.Fatalf("no accuracy in what it printed:\n%s", out)
			}
			if a, err := strconv.ParseFloat(string(accuracy[1]), 64); err != nil || a < 90 {
				t.Errorf("accuracy is %s%%, want 90 or more:\n%s", accuracy[1], out)
			}
			file, err := weights.Read(filepath.Join(command.Dir, "resnet.pth"))
			if err != nil {
				t.Fatal(err)
			}
			if first := file.Tensors[0].Name; first != "conv.weight" {
				t.Errorf("resnet.pth begins with %s", first)
			}
		})
	}
	command := exec.Command(program, "-data", t.TempDir())
	if out, err := command.CombinedOutput(); err == nil || bytes.Contains(out, []byte("panic")) {
		t.Errorf("without pictures: %v\n%s", err, out)
	}
}
