package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// charts are what must be drawn without a fault, odd ones among them.
func charts() map[string]*Chart {
	nan, inf := math.NaN(), math.Inf(1)
	var names []string
	for n := range 200 {
		names = append(names, fmt.Sprintf("class %d of a very long name 很长的名字很长的名字很长的名字", n))
	}
	ramp := make([]float64, 200)
	for i := range ramp {
		ramp[i] = float64(i) / 199
	}
	counts := func(n int) [][]int {
		list := make([][]int, n)
		for i := range list {
			list[i] = make([]int, n)
			list[i][i] = i
		}
		return list
	}
	return map[string]*Chart{
		"curves":            Curves("Loss 损失", "epoch", "loss", false, Series{"training", []float64{1, 2, 3}, []float64{3, 2, 1}}, Series{"验证", []float64{1, 2, 3}, []float64{3, nan, 2}}),
		"no curves":         Curves("", "", "", false),
		"no points":         Curves("", "", "", true, Series{"a", nil, nil}),
		"one point":         Curves("", "", "", false, Series{"a", []float64{1}, []float64{0}}),
		"one rate":          Curves("", "", "", true, Series{"a", []float64{1e-3}, []float64{1e30}}),
		"infinite":          Curves("", "", "", false, Series{"a", []float64{1, 2, inf}, []float64{inf, nan, 1}}),
		"rates":             Curves("", "", "", true, Series{"a", []float64{-1, 0, 1e-6, 1e-1}, []float64{1, 1, 2, 3}}),
		"narrow":            Curves("", "", "", true, Series{"a", []float64{0.2, 0.3}, []float64{1, 1 + 1e-12}}),
		"many":              Curves("", "", "", false, slices.Repeat([]Series{{"a", ramp, ramp}}, 30)...),
		"letters of markup": Curves("$x_1$ <b> & y", "%s", "\x1b[31m", false),
		"confusion":         ConfusionMatrix("", counts(10), names[:10], false),
		"confusion of one":  ConfusionMatrix("", counts(1), names[:1], true),
		"confusion of none": ConfusionMatrix("", counts(0), nil, true),
		"confusion of many": ConfusionMatrix("", counts(70), names[:70], true),
		"bars":              Bars("", "share", names[:10], Series{Name: "F1", Y: ramp[:10]}, Series{Name: "recall", Y: ramp[10:20]}),
		"bars of many":      Bars("", "share", names, Series{Name: "F1", Y: ramp}),
		"bars of none":      Bars("", "share", nil),
		"bars of nothing":   Bars("", "share", names[:2], Series{Name: "F1", Y: []float64{nan, 1}}),
		"reliability":       Reliability("", []int{0, 3, 9}, []float64{0, 0.5, 0.9}, []float64{0, 0.4, 0.95}),
		"reliability none":  Reliability("", nil, nil, nil),
	}
}

func TestCharts(t *testing.T) {
	for name, chart := range charts() {
		var file bytes.Buffer
		if err := chart.WritePNG(&file); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img, err := png.Decode(&file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if size := img.Bounds().Size(); size.X < 300 || size.Y < 200 || size.X > 4000 || size.Y > 6000 {
			t.Errorf("%s is %v large", name, size)
		}
		if empty(img) {
			t.Errorf("%s is empty", name)
		}
		file.Reset()
		if err := chart.WriteSVG(&file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := texts(&file); err != nil {
			t.Errorf("%s as SVG: %v", name, err)
		}
	}
}

func empty(img image.Image) bool {
	paper := img.At(0, 0)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if img.At(x, y) != paper {
				return false
			}
		}
	}
	return true
}

// texts reads an SVG and returns what is written in it.
func texts(r io.Reader) (string, error) {
	d := xml.NewDecoder(r)
	var all strings.Builder
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return "", err
		}
		if c, ok := token.(xml.CharData); ok {
			all.Write(c)
		}
	}
}

// TestChartsSay looks for what charts must name, in letters of the viewer.
func TestChartsSay(t *testing.T) {
	all := charts()
	for name, words := range map[string][]string{
		"curves":            {"Loss 损失", "epoch", "loss", "training", "验证"},
		"letters of markup": {"$x_1$ <b> & y", "%s"},
		"confusion":         {"prediction", "label", "class 9", "9"},
		"bars":              {"share", "F1", "recall", "class 0"},
		"reliability":       {"confidence", "accuracy"},
		"rates":             {"1e-06", "0.1"},
	} {
		var file bytes.Buffer
		if err := all[name].WriteSVG(&file); err != nil {
			t.Fatal(err)
		}
		text, err := texts(&file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not say %q but %q", name, word, text)
			}
		}
	}
}

// TestMatrixColours checks that more is darker.
func TestMatrixColours(t *testing.T) {
	last := 256.0
	for level := 0.0; level <= 1; level += 0.05 {
		r, g, b, _ := levelColour(level).RGBA()
		brightness := (0.299*float64(r) + 0.587*float64(g) + 0.114*float64(b)) / 257
		if brightness >= last {
			t.Errorf("%v is not darker than less", level)
		}
		last = brightness
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct{ low, high float64 }{{0, 1}, {0, 30}, {-5, 5}, {0.0001, 0.00012}, {1, 1e9}, {0.2, 0.29}} {
		ticks := fewTicks(test.low, test.high)
		if len(ticks) < 4 || len(ticks) > 11 {
			t.Errorf("%v has %d ticks", test, len(ticks))
		}
		for _, tick := range ticks {
			if tick.Value < test.low-1e-9 || tick.Value > test.high+1e-9 || tick.Label == "-0" {
				t.Errorf("%v has a tick %v", test, tick)
			}
		}
	}
	labels := 0
	for _, tick := range powersOfTen(0.02, 0.05) {
		if tick.Label != "" {
			labels++
		}
	}
	if labels < 2 {
		t.Errorf("a narrow logarithmic axis has %d labels", labels)
	}
}
