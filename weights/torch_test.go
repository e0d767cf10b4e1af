package weights_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/weights"
	"inkling/weights/internal/hostile"
)

// sums is what PyTorch and NumPy said of our files when they were last compared.
func sums(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "sums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// writeAll writes a trained network in every format, as check.py wants it.
func writeAll(t *testing.T, folder string) {
	t.Helper()
	file, err := weights.Read(filepath.Join("testdata", "trained", "model.pth"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.pth", "model.npz", "model.safetensors"} {
		if err := weights.Write(filepath.Join(folder, name), file.Tensors, weights.Metadata{Architecture: "LeNet"}); err != nil {
			t.Fatal(err)
		}
	}
	last := file.Tensors[len(file.Tensors)-1:]
	if err := weights.Write(filepath.Join(folder, "one.npy"), last); err != nil {
		t.Fatal(err)
	}
}

// TestSums holds what our own reader finds in our files to what PyTorch and
// NumPy found.
func TestSums(t *testing.T) {
	folder := t.TempDir()
	writeAll(t, folder)
	var got strings.Builder
	for _, name := range []string{"model.pth", "model.npz", "model.safetensors", "one.npy"} {
		file, err := weights.Read(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, tensor := range file.Tensors {
			var data []byte
			for _, v := range tensor.Float32s() {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
			}
			if name == "one.npy" {
				tensor.Name = "fc3.bias" // which has no place in the file
			}
			shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(tensor.Shape), "[]"), " ", "x")
			fmt.Fprintf(&got, "%s\t%s\t%s\t[%s]\t%x\n", name, tensor.Name, tensor.DType, shape, sha256.Sum256(data))
		}
	}
	if got.String() != sums(t) {
		t.Errorf("our files hold\n%s\nPyTorch and NumPy found\n%s", got.String(), sums(t))
	}
}

// batch is the same for every call.
func batch() (images []float32, labels []int) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 4 * 28 * 28 {
		images = append(images, 2*r.Float32()-1)
	}
	return images, []int{3, 1, 4, 9}
}

// trainer is a network in training.
type trainer struct {
	network *models.LeNet
	sgd     *optim.SGD
	program *nn.TrainProgram
}

func newTrainer(t *testing.T, sgd *optim.SGD) *trainer {
	t.Helper()
	tr := &trainer{network: models.NewLeNet(10, 7), sgd: sgd}
	var err error
	if tr.program, err = nn.CompileTrain(tr.network, nn.CrossEntropy{}, sgd, 4, 1, 28, 28); err != nil {
		t.Fatal(err)
	}
	return tr
}

func (tr *trainer) step() {
	images, labels := batch()
	tr.program.Step(images, labels)
}

func (tr *trainer) save(t *testing.T, path string) {
	t.Helper()
	state := nn.State(tr.network)
	if err := weights.SaveCheckpoint(path, state, train.OptimizerState(tr.program), weights.Metadata{Dataset: "mnist"}); err != nil {
		t.Fatal(err)
	}
}

// resume loads a checkpoint into a new network, whose settings are others.
func resume(t *testing.T, path string) *trainer {
	t.Helper()
	tr := newTrainer(t, &optim.SGD{LR: 1})
	tr.step() // nothing of this may stay
	file, err := weights.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	state := nn.State(tr.network)
	if err := weights.Restore(path, file, state); err != nil {
		t.Fatal(err)
	}
	if err := train.RestoreOptimizer(path, file.Optimizer, tr.program); err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestCheckpoint stops a training, goes on from its checkpoint, and gets the
// same bits as one that did not stop.
func TestCheckpoint(t *testing.T) {
	for name, sgd := range map[string]optim.SGD{
		"momentum": {LR: 0.01, Momentum: 0.9, WeightDecay: 0.001},
		"all":      {LR: 0.01, Momentum: 0.9, Dampening: 0.5},
		"nesterov": {LR: 0.02, Momentum: 0.5, Nesterov: true},
		"plain":    {LR: 0.02},
	} {
		for _, before := range []int{0, 3} {
			whole := newTrainer(t, &sgd)
			path := filepath.Join(t.TempDir(), "checkpoint.pth")
			for range before {
				whole.step()
			}
			whole.save(t, path)
			parted := resume(t, path)
			if a, b := parted.sgd, whole.sgd; a.LR != b.LR || a.Momentum != b.Momentum || a.Dampening != b.Dampening || a.WeightDecay != b.WeightDecay || a.Nesterov != b.Nesterov {
				t.Errorf("%s: the settings are %+v, want %+v", name, a, b)
			}
			for range 3 {
				whole.step()
				parted.step()
			}
			want := nn.State(whole.network)
			for i, e := range nn.State(parted.network) {
				if !reflect.DeepEqual(weights.TensorOf(e), weights.TensorOf(want[i])) {
					t.Errorf("%s, after %d steps: %s is not that of an unbroken training", name, before, e.Name())
				}
			}
		}
	}
	tr := newTrainer(t, &optim.SGD{LR: 0.01, Momentum: 0.9})
	state := nn.State(tr.network)
	for _, ending := range []string{".npz", ".safetensors"} {
		path := filepath.Join(t.TempDir(), "model"+ending)
		if err := weights.SaveCheckpoint(path, state, train.OptimizerState(tr.program)); err == nil || !strings.Contains(err.Error(), "no room for an optimizer") {
			t.Errorf("%s: %v", ending, err)
		}
	}
}

// TestRestoreOptimizerErrors has checkpoints that do not fit.
func TestRestoreOptimizerErrors(t *testing.T) {
	for says, change := range map[string]func(o *weights.Optimizer){
		"no state of an optimizer": func(o *weights.Optimizer) { o.Groups = nil },
		"no number momentum":       func(o *weights.Optimizer) { delete(o.Groups[0].Settings, "momentum") },
		"the optimizer maximizes":  func(o *weights.Optimizer) { o.Groups[0].Settings["maximize"] = true },
		"of 9 parameters":          func(o *weights.Optimizer) { o.Groups[0].Parameters = o.Groups[0].Parameters[:9] },
		"missing in the file: fc3.bias\n  wrong shape: conv1.weight, wanted [6 1 5 5], got [1]": func(o *weights.Optimizer) {
			delete(o.State[9], "momentum_buffer")
			o.State[9]["other"] = weights.NewTensor("", []int{1}, []float32{1})
			o.State[0]["momentum_buffer"] = weights.NewTensor("", []int{1}, []float32{1})
		},
	} {
		tr := newTrainer(t, &optim.SGD{LR: 0.01, Momentum: 0.9})
		tr.step()
		o := train.OptimizerState(tr.program)
		change(o)
		if err := train.RestoreOptimizer("a.pth", o, tr.program); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

// TestPyTorch has PyTorch and NumPy load what we write in every format, and go on
// with our training; and goes on with theirs.
func TestPyTorch(t *testing.T) {
	python, folder := hostile.Python(t, "torch, numpy"), t.TempDir()
	writeAll(t, folder)
	tr := newTrainer(t, &optim.SGD{LR: 0.01, Momentum: 0.9, WeightDecay: 0.001})
	for range 3 {
		tr.step()
	}
	tr.save(t, filepath.Join(folder, "checkpoint.pth"))
	images, labels := batch()
	numbers := make([]float32, len(labels))
	for i, label := range labels {
		numbers[i] = float32(label)
	}
	for name, tensor := range map[string]weights.Tensor{
		"images.npy": weights.NewTensor("", []int{4, 1, 28, 28}, images), "labels.npy": weights.NewTensor("", []int{4}, numbers),
	} {
		if err := weights.Write(filepath.Join(folder, name), []weights.Tensor{tensor}); err != nil {
			t.Fatal(err)
		}
	}
	var complaints bytes.Buffer
	check := exec.Command(python, "-B", filepath.Join("testdata", "check.py"), folder) // -B: leave no compiled files
	check.Stderr = &complaints
	output, err := check.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.Bytes())
	}
	if got := strings.ReplaceAll(string(output), "\r\n", "\n"); got != sums(t) {
		t.Errorf("PyTorch and NumPy read\n%s\nwant\n%s", got, sums(t))
	}
	tr.step()
	near(t, "after.npz", tr, filepath.Join(folder, "after.npz"))

	theirs := filepath.Join(folder, "theirs.pth")
	parted := resume(t, theirs)
	near(t, "theirs.pth", tr, theirs)
	tr.step()
	parted.step()
	next := filepath.Join(folder, "next.pth")
	parted.save(t, next)
	near(t, "a step after theirs.pth", tr, next)
}

// near compares a network with a file, within the rounding of a few steps.
func near(t *testing.T, what string, tr *trainer, path string) {
	t.Helper()
	file, err := weights.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	const most = 1e-6
	worst := 0.0
	for i, e := range nn.State(tr.network) {
		if file.Tensors[i].Name != e.Name() {
			t.Fatalf("%s: tensor %d is %s, want %s", what, i, file.Tensors[i].Name, e.Name())
		}
		for j, v := range weights.TensorOf(e).Float32s() {
			worst = max(worst, math.Abs(float64(v-file.Tensors[i].Float32s()[j])))
		}
	}
	t.Logf("%s: at most %.2g apart", what, worst)
	if !(worst <= most) {
		t.Errorf("%s: the weights are up to %g apart, at most %g allowed", what, worst, most)
	}
}
