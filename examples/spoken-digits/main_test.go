package main

import (
	"bytes"
	"encoding/binary"
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

// writeTones writes a WAV for every digit: a tone of its own, beginning sooner or later.
func writeTones(t *testing.T, dir string, each int) {
	for digit := range 10 {
		for number := range each {
			samples := make([]byte, 0, 2*3000)
			for i := range 3000 {
				v := 0.0
				if i > 100*(number%7) {
					v = math.Sin(2*math.Pi*200*math.Pow(1.35, float64(digit))*float64(i)/8000) * (1 - float64(i)/4000)
				}
				samples = binary.LittleEndian.AppendUint16(samples, uint16(int16(8000*v+100*math.Sin(float64(i*i+number)))))
			}
			file := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
			file = append(binary.LittleEndian.AppendUint32(file, uint32(len(samples))), samples...)
			binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d_anna_%d.wav", digit, number)), file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The example is built and run as a reader would, on tones.
func TestSpokenDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a program")
	}
	program := filepath.Join(t.TempDir(), "spoken-digits.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	tones := t.TempDir()
	writeTones(t, tones, 12)
	command := exec.Command(program, "-data", tones, "-epochs", "8", "-batch", "10")
	command.Dir = t.TempDir()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	accuracy := regexp.MustCompile(`on the 50 test recordings: ([\d.]+)%`).FindSubmatch(out)
	if accuracy == nil {
		t.Fatalf("no accuracy in what it printed:\n%s", out)
	}
	if a, err := strconv.ParseFloat(string(accuracy[1]), 64); err != nil || a < 60 {
		t.Errorf("accuracy is %s%%, want 60 or more:\n%s", accuracy[1], out)
	}
	file, err := weights.Read(filepath.Join(command.Dir, "spoken-digits.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if first := file.Tensors[0].Name; first != "conv1.weight" {
		t.Errorf("spoken-digits.pth begins with %s", first)
	}
	if out, err := exec.Command(program, "-data", t.TempDir()).CombinedOutput(); err == nil || bytes.Contains(out, []byte("panic")) {
		t.Errorf("without recordings: %v\n%s", err, out)
	}
}
