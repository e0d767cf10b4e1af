package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"inkling/data"
	"inkling/models"
	"inkling/nn"
)

func TestEvaluate(t *testing.T) {
	d := stripes(t, 777)
	network := models.NewLeNet(10, 1)
	got, err := Evaluate(t.Context(), network, d, normalized, 2)
	if err != nil {
		t.Fatal(err)
	}

	// The same one picture at a time, in the plainest way.
	program, err := nn.Compile(network, 1, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	loader := &data.Loader{Dataset: d, Transform: normalized}
	var confusion [10][10]int
	var loss float64
	correct := 0
	for _, batch := range loader.Batches() {
		logits := program.Forward(batch.Images)
		best, sum := 0, 0.0
		for c, v := range logits {
			if v > logits[best] {
				best = c
			}
			sum += math.Exp(float64(v))
		}
		label := batch.Labels[0]
		loss += math.Log(sum) - float64(logits[label])
		confusion[label][best]++
		if best == label {
			correct++
		}
	}
	if fmt.Sprint(got.Confusion) != fmt.Sprint(confusion) {
		t.Errorf("confusion is %v, want %v", got.Confusion, confusion)
	}
	if got.Correct() != correct || got.Total() != 777 || got.Accuracy() != float64(correct)/777 {
		t.Errorf("%d of %d are right, accuracy %v, want %d of 777", got.Correct(), got.Total(), got.Accuracy(), correct)
	}
	if math.Abs(got.Loss-loss/777) > 1e-5 {
		t.Errorf("loss is %v, want %v", got.Loss, loss/777)
	}
	if s := got.Class(3); s.Support == 0 || s.Support == 777 || s.Recall != float64(confusion[3][3])/float64(s.Support) {
		t.Errorf("of class 3 the scores are %+v, %d are right", s, confusion[3][3])
	}
	if got.Top.Accuracy(1) != got.Accuracy() || got.Top.Accuracy(10) != 1 {
		t.Errorf("top-1 and top-10 accuracy are %v and %v", got.Top.Accuracy(1), got.Top.Accuracy(10))
	}
	if got.Temperature <= 0 || got.Calibration.Error() <= 0 {
		t.Errorf("temperature is %v, calibration error %v", got.Temperature, got.Calibration.Error())
	}
	if len(got.Worst) != mostWorst {
		t.Fatalf("%d misread pictures are kept, want %d", len(got.Worst), mostWorst)
	}
	for i, m := range got.Worst {
		_, label, err := d.Example(m.Index)
		if err != nil || label != m.Label || m.Prediction == m.Label || m.Confidence < 0.1 || i > 0 && m.Confidence > got.Worst[i-1].Confidence {
			t.Errorf("misread picture %d is %+v, of class %d", i, m, label)
		}
	}
	for of, some := range got.Mistaken {
		if n := confusion[of[0]][of[1]]; len(some) != min(n, mostMistaken) {
			t.Errorf("%d of the %d pictures of class %d that were taken for %d are kept", len(some), n, of[0], of[1])
		}
		for i, m := range some {
			if m.Label != of[0] || m.Prediction != of[1] || i > 0 && m.Confidence > some[i-1].Confidence {
				t.Errorf("picture %d of class %d that was taken for %d is %+v", i, of[0], of[1], m)
			}
		}
	}
	if len(got.Mistaken) != len(got.Confused(1000)) {
		t.Errorf("%d pairs of classes have pictures, want %d", len(got.Mistaken), len(got.Confused(1000)))
	}
}

func TestEvaluateRefuses(t *testing.T) {
	d := stripes(t, 300)
	if _, err := Evaluate(t.Context(), models.NewLeNet(26, 1), d, normalized, 0); err == nil || !strings.Contains(err.Error(), "26 classes") {
		t.Errorf("with too many outputs the error is %v", err)
	}

	wide, err := data.NewMemory(make([]byte, 2*14*56), make([]byte, 2), classes, 1, 14, 56)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Evaluate(t.Context(), models.NewLeNet(10, 1), wide, normalized, 0); err == nil {
		t.Error("pictures of 14x56 were classified by a network for 28x28")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Evaluate(ctx, models.NewLeNet(10, 1), d, normalized, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context the error is %v", err)
	}

	network := models.NewLeNet(10, 1)
	bias := nn.State(network)[9]
	bias.Write([]float32{0, 0, 0, float32(math.NaN()), 0, 0, 0, 0, 0, 0})
	if _, err := Evaluate(t.Context(), network, d, normalized, 0); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("with a weight that is not a number the error is %v", err)
	}
}

// slow is a data set that does not lie in memory, so that it is read ahead. Picture
// bad of it cannot be read.
type slow struct {
	data.Dataset
	bad int
}

func (s slow) Example(i int) ([]byte, int, error) {
	if i == s.bad {
		return nil, 0, errors.New("the disk is worn out")
	}
	return s.Dataset.Example(i)
}

func TestEvaluateReadsAhead(t *testing.T) {
	d, network := stripes(t, 777), models.NewLeNet(10, 1)
	want, err := Evaluate(t.Context(), network, d, normalized, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{0, 1, 3} {
		got, err := Evaluate(t.Context(), network, slow{d, -1}, normalized, workers)
		if err != nil {
			t.Fatal(err)
		}
		if got.Loss != want.Loss || fmt.Sprint(got.Confusion) != fmt.Sprint(want.Confusion) {
			t.Errorf("%d workers: %v and loss %v, want %v and %v", workers, got.Confusion, got.Loss, want.Confusion, want.Loss)
		}
		if _, err := Evaluate(t.Context(), network, slow{d, 600}, normalized, workers); err == nil || !strings.Contains(err.Error(), "picture 600 of the data set cannot be read: the disk is worn out") {
			t.Errorf("%d workers: with a picture that cannot be read the error is %v", workers, err)
		}
	}
}

func TestEvaluationBatch(t *testing.T) {
	for samples, want := range map[int]int{784: 250, 3072: 250, 3 * 128 * 128: 85, 3 * 256 * 256: 21, 64 * 256 * 256: 16} {
		if got := evaluationBatch(samples); got != want {
			t.Errorf("pictures of %d samples: batches of %d, want %d", samples, got, want)
		}
	}
}

func TestArgmax(t *testing.T) {
	for _, test := range []struct {
		values []float32
		want   int
	}{
		{[]float32{5}, 0},
		{[]float32{-3, -1, -2}, 1},
		{[]float32{1, 2, 2}, 1},
	} {
		if got := Argmax(test.values); got != test.want {
			t.Errorf("Argmax(%v) = %d, want %d", test.values, got, test.want)
		}
	}
}
