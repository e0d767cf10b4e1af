package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"inkling/data"
	"inkling/metrics"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/transform"
)

// heights is a data set whose label is a number: the row of the stripe in the picture, in
// tenths of millimetres, say.
type heights struct {
	data.Dataset
	number []float64
	scale  data.Scale
}

func (h *heights) Classes() []string    { return []string{"height"} }
func (h *heights) Number(i int) float64 { return h.number[i] }
func (h *heights) Scale() data.Scale    { return h.scale }
func (h *heights) Example(i int) ([]byte, int, error) {
	pixels, _, err := h.Dataset.Example(i)
	return pixels, 0, err
}

func newHeights(t testing.TB, n int) *heights {
	t.Helper()
	h := &heights{Dataset: stripes(t, n), number: make([]float64, n)}
	labels, err := data.Labels(h.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range labels {
		h.number[i] = 1000 + 20*float64(label)
	}
	h.scale = data.ScaleOf(h.number)
	return h
}

func numbersConfig(t testing.TB, images int) Config {
	c := config(t, images)
	c.Network = models.NewLeNet(1, 1)
	c.Loader.Dataset = newHeights(t, images)
	c.Optimizer = optim.NewAdamW(0.001)
	return c
}

// A network learns numbers, and what Evaluate tells of it is what its outputs come to.
func TestRunNumbers(t *testing.T) {
	c := numbersConfig(t, 1200)
	c.Epochs, c.Loader.BatchSize = 3, 16
	if _, err := Run(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	test := newHeights(t, 300)
	e, err := Evaluate(context.Background(), c.Network, test, normalized, 2)
	if err != nil {
		t.Fatal(err)
	}
	if e.Samples() != 300 || e.Numbers == nil || e.Numbers.R2() < 0.95 {
		t.Fatalf("R2 is %.3f on %d pictures, want 0.95 or more on 300", e.Numbers.R2(), e.Samples())
	}
	program, err := nn.NewNetwork(c.Network, 1, 1, 28, 28).Compile()
	if err != nil {
		t.Fatal(err)
	}
	var want metrics.Regression
	worst, squares := 0.0, 0.0
	for _, b := range (&data.Loader{Dataset: test, Transform: normalized}).Batches() {
		answer := program.Forward(b.Images)[0]
		number := test.number[b.Indices[0]]
		want.Add(test.scale.Number(answer), number)
		worst = max(worst, math.Abs(test.scale.Number(answer)-number))
		off := float64(answer) - (number-test.scale.Mean)/test.scale.Std
		squares += off * off
	}
	if math.Abs(want.MAE()-e.Numbers.MAE()) > 1e-3 || math.Abs(want.RMSE()-e.Numbers.RMSE()) > 1e-3 {
		t.Errorf("errors are %.4f and %.4f, want %.4f and %.4f", e.Numbers.MAE(), e.Numbers.RMSE(), want.MAE(), want.RMSE())
	}
	if math.Abs(e.Loss-squares/300) > 1e-5 {
		t.Errorf("the loss is %v, want %v", e.Loss, squares/300)
	}
	if got := math.Abs(e.Farthest[0].Answer - e.Farthest[0].Number); math.Abs(got-worst) > 1e-3 || !slices.IsSortedFunc(e.Farthest, farthestFirst) {
		t.Errorf("the farthest is off by %v, want %v and a sorted list", got, worst)
	}
	views, err := EvaluateBy(context.Background(), c.Network, nn.ExactConvolutions, test, normalized, 1, View{}, View{})
	if err != nil || math.Abs(views.Numbers.MAE()-e.Numbers.MAE()) > 1e-3 {
		t.Errorf("two views of one kind err by %v, want %v: %v", views.Numbers.MAE(), e.Numbers.MAE(), err)
	}
}

// What a frozen part makes of the pictures may be kept: the weights are the same bits.
func TestRunNumbersFeatures(t *testing.T) {
	var hashes []string
	for _, bytes := range []int64{0, 1 << 30} {
		c := numbersConfig(t, 60)
		c.FeatureBytes = bytes
		kept := false
		c.OnFeatures = func(r FeatureReport) { kept = r.Kept }
		c.Training = func(t *nn.Training) { t.Freeze = []string{"conv*"} }
		if _, err := Run(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		if kept != (bytes > 0) {
			t.Fatalf("features were kept: %v", kept)
		}
		hashes = append(hashes, hash(c.Network))
	}
	if hashes[0] != hashes[1] {
		t.Error("the weights differ")
	}
}

func TestRunNumbersRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *Config)
		want   string
	}{
		"mix":     {func(c *Config) { c.Mix = transform.MixUp{Alpha: 1} }, "mixes classes"},
		"loss":    {func(c *Config) { c.Loss = nn.CrossEntropy{} }, "use nn.MSELoss"},
		"outputs": {func(c *Config) { c.Network = models.NewLeNet(10, 1) }, "10 classes"},
	} {
		c := numbersConfig(t, 20)
		test.change(&c)
		if _, err := Run(context.Background(), c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
