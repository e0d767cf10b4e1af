package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"inkling/data"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/transform"
)

var classes = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// stripes is a data set that LeNet learns in a moment: the label is the row at
// which a bright stripe lies, with noise over it.
func stripes(t testing.TB, n int) data.Dataset {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	pixels, labels := make([]byte, n*784), make([]byte, n)
	for i := range n {
		picture := pixels[i*784 : (i+1)*784]
		labels[i] = byte(r.IntN(10))
		for j := range picture {
			picture[j] = byte(r.IntN(60))
		}
		from := (4 + 2*int(labels[i])) * 28
		for j := from; j < from+2*28; j++ {
			picture[j] = byte(200 + r.IntN(56))
		}
	}
	d, err := data.NewMemory(pixels, labels, classes, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var normalized = transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}

func config(t testing.TB, images int) Config {
	return Config{
		Network:   models.NewLeNet(10, 1),
		Optimizer: &optim.SGD{LR: 0.01, Momentum: 0.9},
		Loader:    &data.Loader{Dataset: stripes(t, images), Transform: normalized, BatchSize: 4, Shuffle: true, Seed: 1},
		Epochs:    2,
	}
}

func hash(network nn.Module) string {
	h := sha256.New()
	for _, e := range nn.State(network) {
		values := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(values)
		binary.Write(h, binary.LittleEndian, values)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestRunLearns(t *testing.T) {
	c := config(t, 1000)
	before, err := Evaluate(t.Context(), c.Network, c.Loader.Dataset, normalized, 0)
	if err != nil {
		t.Fatal(err)
	}
	result, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if result.Epochs != 2 || result.Steps != 500 || result.Images != 2000 || result.Elapsed <= 0 || result.ImagesPerSecond() <= 0 {
		t.Errorf("result is %+v, want 2 epochs, 500 steps, 2000 images and a time", result)
	}
	after, err := Evaluate(t.Context(), c.Network, c.Loader.Dataset, normalized, 0)
	if err != nil {
		t.Fatal(err)
	}
	if before.Accuracy() > 0.4 || after.Accuracy() < 0.95 || after.Loss > before.Loss/4 {
		t.Errorf("accuracy %.3f and loss %.3f before, %.3f and %.3f after training", before.Accuracy(), before.Loss, after.Accuracy(), after.Loss)
	}
}

// The weights may not depend on how many workers there are, nor on how many
// processors Go uses.
func TestRunSameBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	c := config(t, 202) // the last batch is short
	c.Workers = 1
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := hash(c.Network)
	for processors := 1; processors <= 4; processors++ {
		runtime.GOMAXPROCS(processors)
		for _, workers := range []int{1, 2, 4, 8} {
			c := config(t, 202)
			c.Workers = workers
			if _, err := Run(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got := hash(c.Network); got != want {
				t.Errorf("GOMAXPROCS %d, %d workers: SHA-256 of the weights is %s, want %s", processors, workers, got, want)
			}
		}
	}
	other := config(t, 202)
	other.Loader.Seed = 2
	if _, err := Run(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if hash(other.Network) == want {
		t.Error("another order of the pictures gave the same weights: the test cannot fail")
	}
}

// Mixed batches are learnt as mixed by hand, whoever prepares them.
func TestRunMixes(t *testing.T) {
	plain := config(t, 102)
	program, err := nn.CompileTrain(plain.Network, nn.CrossEntropy{Soft: true}, plain.Optimizer, 4, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	var loss float64
	for epoch := range 2 {
		loss = 0
		for i, b := range plain.Loader.Batches() {
			targets := transform.MixUp{}.Apply(transform.Generator(1, epoch, 102+i), b.Images, b.Labels, 10)
			loss += program.StepSoft(b.Images, targets) / 26
		}
	}
	for _, workers := range []int{0, 1, 3} {
		c := config(t, 102)
		c.Mix, c.Workers, c.Loader.Workers = transform.MixUp{}, workers, workers
		result, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if hash(c.Network) != hash(plain.Network) || math.Abs(result.Loss-loss) > 1e-9 {
			t.Errorf("%d workers: loss %v, want %v, or other weights", workers, result.Loss, loss)
		}
	}
}

// Run must be nothing but the loop that one would write out.
func TestRunIsThePlainLoop(t *testing.T) {
	c := config(t, 102)
	c.LogEvery = 10
	var got []Event
	c.OnEvent = func(e Event) { e.Elapsed = 0; got = append(got, e) }
	var saved []int
	c.Checkpoint = func(at Position) error { saved = append(saved, at.Epochs); return nil }
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}

	plain := config(t, 102)
	program, err := nn.CompileTrain(plain.Network, nn.CrossEntropy{}, plain.Optimizer, 4, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	var want []Event
	images, steps := 0, 0
	for epoch := 1; epoch <= 2; epoch++ {
		var running, sum float64
		for i, b := range plain.Loader.Batches() {
			loss := program.Step(b.Images, b.Labels)
			running += loss
			sum += loss
			images += len(b.Labels)
			steps++
			if i%10 == 9 {
				want = append(want, Event{Kind: LossReport, Epoch: epoch, Batch: i + 1, Step: steps, Images: images, Loss: running / 10})
				running = 0
			}
		}
		want = append(want, Event{Kind: EpochEnd, Epoch: epoch, Batch: 26, Step: steps, Images: images, Loss: sum / 26})
	}
	if !slices.Equal(got, want) {
		t.Errorf("events are\n%v, want\n%v", got, want)
	}
	if hash(c.Network) != hash(plain.Network) {
		t.Error("the weights differ from those of the plain loop")
	}
	if !slices.Equal(saved, []int{1, 2}) {
		t.Errorf("checkpoints after epochs %v, want 1 and 2", saved)
	}
}

func TestRunReports(t *testing.T) {
	for _, test := range []struct {
		images, logEvery int
		want             map[Kind][]int // batches
	}{
		{40, 0, map[Kind][]int{EpochEnd: {10}}},
		{40, 4, map[Kind][]int{LossReport: {4, 8}, EpochEnd: {10}}},
		{40, 2000, map[Kind][]int{LossReport: {10}, EpochEnd: {10}}}, // a short epoch is reported once
		{4100, 0, map[Kind][]int{Progress: {500, 1000}, EpochEnd: {1025}}},
	} {
		c := config(t, test.images)
		c.Epochs, c.LogEvery = 1, test.logEvery
		got := map[Kind][]int{}
		c.OnEvent = func(e Event) { got[e.Kind] = append(got[e.Kind], e.Batch) }
		if _, err := Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%d images, LogEvery %d: events %v, want %v", test.images, test.logEvery, got, test.want)
		}
	}
}

func TestRunStops(t *testing.T) {
	reason := errors.New("dinner")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := config(t, 4000)
	c.Epochs, c.LogEvery = 1000, 5
	c.OnEvent = func(e Event) {
		if e.Batch >= 10 {
			cancel(reason)
		}
	}
	result, err := Run(ctx, c)
	if !errors.Is(err, reason) || !strings.Contains(err.Error(), "epoch") {
		t.Errorf("error is %v, want one that wraps the reason", err)
	}
	if result.Steps < 10 || result.Epochs == 1000 || !finite(c.Network) {
		t.Errorf("result is %+v", result)
	}

	result, err = Run(ctx, c)
	if !errors.Is(err, reason) || result.Steps != 0 {
		t.Errorf("with a cancelled context: %v after %d steps, want none", err, result.Steps)
	}
}

func TestRunDiverges(t *testing.T) {
	c := config(t, 400)
	c.Optimizer = &optim.SGD{LR: 1e30, Momentum: 0.9}
	c.Checkpoint = func(Position) error { t.Error("a spoilt network was to be saved"); return nil }
	_, err := Run(t.Context(), c)
	var diverged *DivergedError
	if !errors.As(err, &diverged) || diverged.Epoch != 1 || diverged.Batch < 2 || diverged.Batch > 10 {
		t.Fatalf("error is %v, want a DivergedError of one of the first batches", err)
	}
	if diverged.Where == "" || diverged.Step != diverged.Batch {
		t.Errorf("%#v does not say where", diverged)
	}
	if !strings.Contains(err.Error(), "smaller learning rate") {
		t.Errorf("%q does not say what to do", err)
	}

	// The last update of an epoch has no loss after it.
	c = config(t, 4)
	c.Epochs = 1
	c.Optimizer = &optim.SGD{LR: 1e300} // infinite as a float32
	c.Checkpoint = func(Position) error { t.Error("a spoilt network was to be saved"); return nil }
	if _, err = Run(t.Context(), c); !errors.As(err, &diverged) || !strings.Contains(err.Error(), "weight") {
		t.Errorf("error is %v, want a DivergedError about a weight", err)
	}
}

func TestRunCheckpointFails(t *testing.T) {
	c := config(t, 40)
	full := errors.New("disk full")
	c.Checkpoint = func(Position) error { return full }
	if result, err := Run(t.Context(), c); !errors.Is(err, full) || result.Epochs != 1 {
		t.Errorf("%v after %d epochs, want the checkpoint's error after 1", err, result.Epochs)
	}
}

func TestRunRefuses(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"Network is nil":                         func(c *Config) { c.Network = nil },
		"Optimizer is nil":                       func(c *Config) { c.Optimizer = nil },
		"Loader is nil":                          func(c *Config) { c.Loader = nil },
		"Dataset is nil":                         func(c *Config) { c.Loader.Dataset = nil },
		"Epochs is 0":                            func(c *Config) { c.Epochs = 0 },
		"Workers is -1":                          func(c *Config) { c.Workers = -1 },
		"LogEvery is -1":                         func(c *Config) { c.LogEvery = -1 },
		"use nn.CrossEntropy, with Soft for Mix": func(c *Config) { c.Loss, c.Mix = nn.CrossEntropy{}, transform.MixUp{} },
		"the Alpha of MixUp is -1":               func(c *Config) { c.Mix = transform.MixUp{Alpha: -1} },
		"tells 26 classes apart, but the data set has 10": func(c *Config) { c.Network = models.NewLeNet(26, 1) },
		"the last batch of an epoch would have 1 picture: nn: batchnorm 1, for a batch of 1": func(c *Config) {
			net := &nn.Sequential{nn.Func((*nn.Value).Flatten), &nn.BatchNorm1d{Features: 784}, &nn.Linear{In: 784, Out: 10}}
			if err := nn.Init(net, rand.New(rand.NewPCG(1, 1))); err != nil {
				t.Fatal(err)
			}
			c.Network, c.Loader.BatchSize = net, 7
		},
	} {
		c := config(t, 8)
		change(&c)
		if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// A step of a small network takes tens of microseconds: an allocation in each
// would be felt.
func TestRunAllocatesNothingPerStep(t *testing.T) {
	allocations := func(images int) float64 {
		c := config(t, images)
		c.Epochs, c.Workers = 1, 1
		return testing.AllocsPerRun(3, func() {
			if _, err := Run(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := allocations(40), allocations(840)
	if many-few > 20 { // 200 steps more
		t.Errorf("200 steps more made %.0f allocations more", many-few)
	}
}

func BenchmarkRun(b *testing.B) {
	c := config(b, 4000)
	c.Epochs = 1
	images := 0
	for b.Loop() {
		result, err := Run(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		images += result.Images
	}
	b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
}

// slowSet is a data set that gives no picture after the first 100, until it is
// told to.
type slowSet struct {
	data.Dataset
	asked, goOn chan struct{}
}

func (s *slowSet) Example(i int) ([]byte, int, error) {
	if i >= 100 {
		select {
		case s.asked <- struct{}{}:
		default:
		}
		<-s.goOn
	}
	return s.Dataset.Example(i)
}

// A training is stopped while it waits for a picture that takes its time, and so
// is an evaluation.
func TestStopWhileReading(t *testing.T) {
	enough := errors.New("enough")
	slow := &slowSet{stripes(t, 400), make(chan struct{}, 1), make(chan struct{})}
	defer close(slow.goOn)
	stopping := func() context.Context {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-slow.asked
			cancel(enough)
		}()
		return ctx
	}
	c := config(t, 100)
	c.Loader = &data.Loader{Dataset: slow, Transform: normalized, BatchSize: 4, Workers: 2}
	result, err := Run(stopping(), c)
	if !errors.Is(err, enough) || result.Steps > 25 || result.Epochs != 0 {
		t.Errorf("%+v with error %v, want at most 25 steps and %q", result, err, enough)
	}
	if _, err := Evaluate(stopping(), c.Network, slow, normalized, 2); !errors.Is(err, enough) {
		t.Errorf("evaluation: error %v, want %q", err, enough)
	}
}

// TestListeners checks that all listeners hear the same, with what the validation came to.
func TestListeners(t *testing.T) {
	c := config(t, 40)
	c.LogEvery = 5
	var heard [3][]Event
	c.OnEvent = func(e Event) { heard[0] = append(heard[0], e) }
	for i := 1; i < 3; i++ {
		c.Listeners = append(c.Listeners, func(e Event) { heard[i] = append(heard[i], e) })
	}
	results := map[int]*Evaluation{}
	c.Validate = func(epoch int) (*Evaluation, error) {
		results[epoch] = &Evaluation{}
		return results[epoch], nil
	}
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if len(heard[0]) == 0 || !slices.Equal(heard[0], heard[1]) || !slices.Equal(heard[0], heard[2]) {
		t.Errorf("heard %d, %d and %d events, or others", len(heard[0]), len(heard[1]), len(heard[2]))
	}
	for _, e := range heard[1] {
		if want := results[e.Epoch]; e.Kind == EpochEnd && e.Validation != want || e.Kind != EpochEnd && e.Validation != nil {
			t.Errorf("%s of epoch %d has the validation %p, want %p", e.Kind, e.Epoch, e.Validation, want)
		}
	}
	broken := errors.New("no pictures")
	c.Validate = func(int) (*Evaluation, error) { return nil, broken }
	if _, err := Run(t.Context(), c); !errors.Is(err, broken) {
		t.Errorf("error is %v, want that of Validate", err)
	}
}
