package metrics

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

type golden struct {
	Classes     int
	Labels      []int
	Logits      []float32
	Confusion   Confusion
	Each        [3][]float64
	Macro       [3]float64
	Weighted    [3]float64
	TopK        []float64
	ECE         float64
	Temperature float64
}

type goldenInterval struct {
	Right, Total     int
	Level, Low, High float64
}

func readGoldens(t *testing.T) (sets []golden, intervals []goldenInterval) {
	t.Helper()
	text, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	all := struct {
		Sets      *[]golden
		Intervals *[]goldenInterval
	}{&sets, &intervals}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(sets) == 0 || len(intervals) == 0 {
		t.Fatal("there are no goldens")
	}
	return sets, intervals
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestGoldens(t *testing.T) {
	sets, _ := readGoldens(t)
	for _, g := range sets {
		confusion, top, calibration := NewConfusion(g.Classes), TopK{}, NewCalibration(15)
		probabilities := make([]float64, g.Classes)
		for i, label := range g.Labels {
			row := g.Logits[i*g.Classes:][:g.Classes]
			top.Add(row, label)
			answer := slices.Index(row, slices.Max(row))
			confusion[label][answer]++
			Softmax(probabilities, row, 1)
			calibration.Add(probabilities[answer], answer == label)
		}
		for label := range confusion {
			if !slices.Equal(confusion[label], g.Confusion[label]) {
				t.Errorf("confusion of class %d is %v, want %v", label, confusion[label], g.Confusion[label])
			}
			s := confusion.Class(label)
			near(t, "precision", s.Precision, g.Each[0][label], 1e-12)
			near(t, "recall", s.Recall, g.Each[1][label], 1e-12)
			near(t, "F1", s.F1, g.Each[2][label], 1e-12)
		}
		for _, m := range []struct {
			name string
			got  Scores
			want [3]float64
		}{{"macro", confusion.Macro(), g.Macro}, {"weighted", confusion.Weighted(), g.Weighted}} {
			near(t, m.name+" precision", m.got.Precision, m.want[0], 1e-12)
			near(t, m.name+" recall", m.got.Recall, m.want[1], 1e-12)
			near(t, m.name+" F1", m.got.F1, m.want[2], 1e-12)
			if m.got.Support != len(g.Labels) {
				t.Errorf("%s support is %d, want %d", m.name, m.got.Support, len(g.Labels))
			}
		}
		for i, want := range g.TopK {
			near(t, "top-k accuracy", top.Accuracy(i+1), want, 1e-12)
		}
		near(t, "top-1 accuracy", top.Accuracy(1), confusion.Accuracy(), 1e-12)
		near(t, "calibration error", calibration.Error(), g.ECE, 1e-9)
		temperature, err := Temperature(g.Logits, g.Classes, g.Labels)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "temperature", temperature/g.Temperature, 1, 1e-5)
	}
}

func TestIntervals(t *testing.T) {
	_, intervals := readGoldens(t)
	for _, g := range intervals {
		low, high := Interval(g.Right, g.Total, g.Level)
		// A quantile may fall beside one within rounding.
		near(t, "low", low, g.Low, 1e-12)
		near(t, "high", high, g.High, 1e-12)
	}
	if low, high := Interval(0, 0, 0.95); low != 0 || high != 0 {
		t.Errorf("without pictures the interval is %v to %v, want 0", low, high)
	}
}

func TestRank(t *testing.T) {
	nan := float32(math.NaN())
	for _, test := range []struct {
		outputs []float32
		ranks   []int
	}{
		{[]float32{1, 3, 2}, []int{2, 0, 1}},
		{[]float32{1, 1, 1}, []int{0, 1, 2}},
		{[]float32{nan, 1, nan}, []int{1, 0, 2}},
	} {
		for label, want := range test.ranks {
			if got := Rank(test.outputs, label); got != want {
				t.Errorf("Rank(%v, %d) is %d, want %d", test.outputs, label, got, want)
			}
		}
	}
}

func TestConfused(t *testing.T) {
	c := Confusion{{5, 1, 2}, {3, 5, 0}, {2, 0, 5}}
	want := []Pair{{1, 0, 3}, {0, 2, 2}, {2, 0, 2}, {0, 1, 1}}
	if got := c.Confused(10); !slices.Equal(got, want) {
		t.Errorf("confused are %v, want %v", got, want)
	}
	if got := c.Confused(2); !slices.Equal(got, want[:2]) {
		t.Errorf("the two most confused are %v, want %v", got, want[:2])
	}
}

func TestNothing(t *testing.T) {
	c := NewConfusion(3)
	if c.Accuracy() != 0 || c.Macro() != (Scores{}) || c.Weighted() != (Scores{}) || len(c.Confused(5)) != 0 {
		t.Error("where nothing was counted something is not zero")
	}
	if e := NewCalibration(15).Error(); e != 0 {
		t.Errorf("calibration error without answers is %v", e)
	}
	if a := new(TopK).Accuracy(5); a != 0 {
		t.Errorf("top-5 accuracy without answers is %v", a)
	}
	if _, err := Temperature(nil, 10, nil); err == nil {
		t.Error("a temperature was found without labels")
	}
	if got, err := Temperature([]float32{5, 0, 0, 5}, 2, []int{0, 1}); err != nil || got > 2*leastTemperature {
		t.Errorf("where every answer is right the temperature is %v, %v, want the least", got, err)
	}
}

func TestSoftmaxOfLargeLogits(t *testing.T) {
	p := make([]float64, 2)
	Softmax(p, []float32{1e30, -1e30}, 1)
	if p[0] != 1 || p[1] != 0 {
		t.Errorf("probabilities are %v, want 1 and 0", p)
	}
}
