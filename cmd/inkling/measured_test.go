package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"inkling"
)

// writeBars makes pictures of a bar somewhere, and a list of them that tells how long it is.
func writeBars(t *testing.T, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	list := "path,length\n"
	for i := range n {
		img, length, at := image.NewGray(image.Rect(0, 0, 16, 16)), 2+r.IntN(13), r.IntN(13)
		for y := range length {
			for x := range 3 {
				img.SetGray(at+x, 15-y, color.Gray{Y: 200 + uint8(r.IntN(55))})
			}
		}
		name := fmt.Sprintf("bar%03d.png", i)
		if err := writeWith(name, func(w io.Writer) error { return png.Encode(w, img) }); err != nil {
			t.Fatal(err)
		}
		list += fmt.Sprintf("%s,%.1f\n", name, 1.5*float64(length)+20)
	}
	if err := os.WriteFile("bars.csv", []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
}

// From a list of pictures with numbers to a network that tells such a number, by the command
// alone.
func TestPicturesThatMeasure(t *testing.T) {
	t.Chdir(t.TempDir())
	writeBars(t, 300)
	out, _ := runLine(t, 0, "", "train", "--data", "bars.csv", "--recipe", "folder", "--model", "lenet", "--augment", "none", "--epochs", "20", "--workers", "1", "--run", "bars", "--out", "bars.pth")
	contains(t, out, "216 pictures that tell a number (length)", "The labels (length) measure something: they have fractions", "label-smoothing, which is for classes, is left out",
		"validation: off by", "Mean absolute error of length on the 60 test images: ")
	m, err := inkling.Open("bars.pth")
	if err != nil || m.Kind() != inkling.Pictures || m.Target == nil || m.Target.Name != "length" || len(m.About.Classes) != 1 || m.About.Extra["label_smoothing"] != "" {
		t.Fatalf("%+v, %v", m, err)
	}

	out, _ = runLine(t, 0, "", "test", "bars.pth", "--data", "bars.csv", "--json", "--out", "report")
	var tested struct {
		R2     float64
		Target string
		Images int
	}
	if err := json.Unmarshal([]byte(out), &tested); err != nil || tested.R2 < 0.95 || tested.Target != "length" || tested.Images != 60 {
		t.Errorf("%+v, %v", tested, err)
	}
	list, err := os.ReadFile("bars.csv")
	if err != nil {
		t.Fatal(err)
	}
	var want float64
	if _, err := fmt.Sscanf(strings.Split(string(list), "\n")[1], "bar000.png,%f", &want); err != nil {
		t.Fatal(err)
	}
	out, _ = runLine(t, 0, "", "predict", "bars.pth", "bar000.png", "--json")
	var told []map[string]any
	if err := json.Unmarshal([]byte(out), &told); err != nil || len(told) != 1 || told[0]["target"] != "length" || told[0]["class"] != nil || told[0]["probability"] != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if number, _ := told[0]["number"].(float64); math.Abs(number-want) > 4 {
		t.Errorf("the bar is told to be %v, it is %v", number, want)
	}
	out, _ = runLine(t, 0, "", "predict", "bars.pth", "bar000.png")
	contains(t, out, "bar000.png: length ")
	out, _ = runLine(t, 0, "", "train", "--data", "bars.csv", "--from", "bars.pth", "--epochs", "1", "--lr", "0.0001", "--workers", "1", "--out", "on.pth")
	contains(t, out, "Mean absolute error of length on the 60 test images: ")
	out, _ = runLine(t, 0, "", "data", "check", "bars.csv")
	contains(t, out, "labels are numbers (length)")

	drawn, err := inkling.NewClassifier("lenet", inkling.Options{Classes: []string{"length"}, Target: m.Target})
	if err != nil {
		t.Fatal(err)
	}
	if err := drawn.Save("drawn.pth"); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"the model tells the number length, and MNIST has classes":   {"test", "bars.pth", "--data", "mnist"},
		"keeps drawings with their classes, and drawn.pth tells the": {"serve", "drawn.pth", "--addr", "127.0.0.1:0", "--feedback", "f.db"},
		"--label-smoothing spreads labels over classes":              {"train", "--data", "bars.csv", "--label-smoothing", "0.1"},
		"--augment mixup and cutmix mix classes":                     {"train", "--data", "bars.csv", "--augment", "mixup"},
		"--labels numbers is for data of one's own":                  {"train", "--data", "mnist", "--labels", "numbers"},
		"are for texts, and list bars.csv has pictures":              {"train", "--data", "bars.csv", "--tokens", "words"},
		"are for recordings, and list bars.csv has pictures":         {"train", "--data", "bars.csv", "--mels", "40"},
		"--fold is for texts, recordings and vectors, and list bars": {"train", "--data", "bars.csv", "--fold", "1/3"},
	} {
		var out, errOut bytes.Buffer
		if status := run(args, strings.NewReader(""), &out, &errOut); status == 0 || !strings.Contains(errOut.String(), want) {
			t.Errorf("%v ends with %d and says %q, want %q", args, status, errOut.String(), want)
		}
	}
}
