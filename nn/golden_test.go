package nn

import (
	"fmt"
	"math"
	"testing"
)

// The numbers in testdata/lenet are PyTorch's; testdata/README.md says how
// they were made. Errors are relative to the largest magnitude of an array,
// as rounding is.
const goldenTolerance = 1e-5

// sgdRule is optim.SGD, which this package cannot import.
type sgdRule struct{ lr, momentum float32 }

func (sgdRule) Slots() int { return 1 }
func (sgdRule) Begin(int)  {}
func (s sgdRule) Update(p, g []float32, slots [][]float32) {
	for i := range p {
		slots[0][i] = s.momentum*slots[0][i] + g[i]
		p[i] -= s.lr * slots[0][i]
	}
}

// compare fails the test if got differs from want by more than tolerance, and
// returns by how much it differs.
func compare(t *testing.T, what string, got, want []float32, tolerance float64) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	var largest, worst float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		diff := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(diff) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
		worst = max(worst, diff)
	}
	if worst > tolerance*max(largest, 1e-30) {
		t.Errorf("%s: differs by %.2g of its largest magnitude, want at most %.2g", what, worst/largest, tolerance)
	}
	return worst / largest
}

func values(e Entry) []float32 {
	v := make([]float32, Shape(e.Shape()).Elements())
	e.Read(v)
	return v
}

func TestGoldenForwardAndGradients(t *testing.T) {
	for _, c := range []struct {
		folder, prefix string
		batch          int
	}{{"sgd_b4", "batch0.", 4}, {"b64", "", 64}} {
		t.Run(c.folder, func(t *testing.T) {
			net := goldenLeNet(t)
			p, err := CompileTrain(net, CrossEntropy{}, sgdRule{}, c.batch, 1, 28, 28)
			if err != nil {
				t.Fatal(err)
			}
			images, labels := goldenImages(t, c.batch)
			worst := compare(t, "logits", p.Forward(images), readNPY[float32](t, "lenet", c.folder, c.prefix+"output.npy"), goldenTolerance)
			loss := p.Backward(labels)
			worst = max(worst, compare(t, "loss", []float32{float32(loss)}, readNPY[float32](t, "lenet", c.folder, c.prefix+"loss.npy"), goldenTolerance))
			for _, e := range p.Gradients() {
				worst = max(worst, compare(t, "gradient of "+e.Name(), values(e), readNPY[float32](t, "lenet", c.folder, c.prefix+"grad."+e.Name()+".npy"), goldenTolerance))
			}
			t.Logf("largest difference %.2g", worst)
		})
	}
}

func TestGoldenTraining(t *testing.T) {
	net := goldenLeNet(t)
	p, err := CompileTrain(net, CrossEntropy{}, sgdRule{0.001, 0.9}, 4, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	images, labels := goldenImages(t, 400)
	losses := readNPY[float64](t, "lenet", "sgd_b4", "losses_100.npy")
	for step := 1; step <= 100; step++ {
		at := (step - 1) * 4
		if step == 100 {
			p.Forward(images[at*784 : (at+4)*784])
			p.Backward(labels[at : at+4])
			for _, e := range p.Gradients() {
				compare(t, "gradient of "+e.Name()+" in step 100", values(e), readNPY[float32](t, "lenet", "sgd_b4", "step100.grad."+e.Name()+".npy"), 10*goldenTolerance)
			}
		}
		loss := p.Step(images[at*784:(at+4)*784], labels[at:at+4])
		if want := losses[step-1]; math.Abs(loss-want) > goldenTolerance*want {
			t.Errorf("step %d: loss %.8f, want %.8f", step, loss, want)
		}
		switch step {
		case 1, 2, 10, 100:
			var worst float64
			for _, e := range State(net) {
				worst = max(worst, compare(t, fmt.Sprintf("%s after step %d", e.Name(), step), values(e),
					readNPY[float32](t, "lenet", "sgd_b4", fmt.Sprintf("step%d.%s.npy", step, e.Name())), goldenTolerance))
			}
			t.Logf("weights after step %d: largest difference %.2g", step, worst)
		}
	}
	for _, e := range p.OptimizerState(0) {
		compare(t, "momentum of "+e.Name(), values(e), readNPY[float32](t, "lenet", "sgd_b4", "step100.momentum."+e.Name()+".npy"), 10*goldenTolerance)
	}
}

// TestGoldenGradientsDouble compares with gradients that PyTorch computed in
// float64: how far both programs' rounding is from the truth.
func TestGoldenGradientsDouble(t *testing.T) {
	p, err := CompileTrain(goldenLeNet(t), CrossEntropy{}, sgdRule{}, 64, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	images, labels := goldenImages(t, 64)
	p.Forward(images)
	p.Backward(labels)
	for _, e := range p.Gradients() {
		var want []float32
		for _, v := range readNPY[float64](t, "lenet", "b64", "f64.grad."+e.Name()+".npy") {
			want = append(want, float32(v))
		}
		compare(t, "gradient of "+e.Name(), values(e), want, goldenTolerance)
	}
}

// TestGoldenFastTraining retraces a hundred steps at a learning rate so large
// that the loss moves, where rounding grows with every step.
func TestGoldenFastTraining(t *testing.T) {
	net := goldenLeNet(t)
	p, err := CompileTrain(net, CrossEntropy{}, sgdRule{0.05, 0.9}, 16, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	images, labels := goldenImages(t, 400)
	for step, want := range readNPY[float64](t, "lenet", "sgd_lr05_b16", "losses_100.npy") {
		at := step % 25 * 16
		loss := p.Step(images[at*784:(at+16)*784], labels[at:at+16])
		if math.Abs(loss-want) > goldenTolerance*want {
			t.Errorf("step %d: loss %.6f, PyTorch has %.6f", step+1, loss, want)
		}
	}
	for _, e := range State(net) {
		worst := compare(t, e.Name(), values(e), readNPY[float32](t, "lenet", "sgd_lr05_b16", "final."+e.Name()+".npy"), goldenTolerance)
		t.Logf("%s: largest difference %.2g", e.Name(), worst)
	}
}
