package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// panicOf returns what f panics with, as a text.
func panicOf(f func()) (text string) {
	defer func() {
		if e := recover(); e != nil {
			text = fmt.Sprint(e)
		}
	}()
	f()
	return ""
}

type checkedNet struct {
	Tokens Embedding
	Lines  BatchNorm1d
	FC     Linear
}

func newCheckedNet() *checkedNet {
	n := &checkedNet{Embedding{Count: 5, Dim: 3}, BatchNorm1d{Features: 6}, Linear{In: 6, Out: 4}}
	Init(n, rand.New(rand.NewPCG(1, 1)))
	return n
}

func (n *checkedNet) network() Network {
	return Network{Module: n, Inputs: []Spec{{Shape{4, 2}, Int32}, {Shape{4, 6}, Int32}}, Forward: func(x []*Value) []*Value {
		y := n.Lines.Forward(n.Tokens.Forward(x[0]).Flatten())
		return []*Value{n.FC.Forward(Gather(y, 1, x[1]))}
	}}
}

// TestCheckBatch checks that a batch that is too small for BatchNorm is refused, also a
// short one of a program for more.
func TestCheckBatch(t *testing.T) {
	p, err := newCheckedNet().network().CompileTrain(CrossEntropy{}, newSGD())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckBatch(2); err != nil {
		t.Error(err)
	}
	for n, want := range map[int]string{0: "1 to 4 examples, not 0", 1: "batchnorm Lines, for a batch of 1: wants more than one value a channel", 5: "1 to 4 examples, not 5"} {
		if err := p.CheckBatch(n); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%d examples: got error %v, want %q", n, err, want)
		}
	}
	tokens, chosen := Tensor[float32]{Ints: []int32{1, 2}}, Tensor[float32]{Ints: make([]int32, 6)}
	if got, want := panicOf(func() { p.StepAll([]int{1}, tokens, chosen) }), p.CheckBatch(1).Error(); got != want {
		t.Errorf("Step panics with %q, want %q", got, want)
	}
}

// TestInputRange checks that numbers out of range are found before workers see them.
func TestInputRange(t *testing.T) {
	net := newCheckedNet().network()
	train, err := net.CompileTrain(CrossEntropy{}, newSGD())
	if err != nil {
		t.Fatal(err)
	}
	infer, err := net.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []int32{-1, 5} {
		tokens, chosen := Tensor[float32]{Ints: []int32{1, 2, 3, bad}}, Tensor[float32]{Ints: make([]int32, 12)}
		want := fmt.Sprintf("embedding tokens: %d, element 3 of input 0, is not in 0..4", bad)
		for name, run := range map[string]func(){
			"Step": func() { train.StepAll([]int{1, 2}, tokens, chosen) }, "ForwardAll": func() { train.ForwardAll(tokens, chosen) },
			"Program": func() { infer.ForwardAll(tokens, chosen) },
		} {
			if got := panicOf(run); !strings.Contains(strings.ToLower(got), want) {
				t.Errorf("%s panics with %q, want %q", name, got, want)
			}
		}
	}
	chosen := Tensor[float32]{Ints: []int32{0, 0, 6, 0, 0, 0}}
	if got, want := panicOf(func() { infer.ForwardAll(Tensor[float32]{Ints: []int32{1, 2}}, chosen) }), "6, element 2 of input 1, is not in 0..5"; !strings.Contains(got, want) {
		t.Errorf("Gather panics with %q, want %q", got, want)
	}
}

// TestBufferNaN checks that a training does not start from running statistics that
// are not numbers.
func TestBufferNaN(t *testing.T) {
	n := newCheckedNet()
	n.Lines.RunningVar.Write([]float32{1, 1, float32(math.NaN()), 1, 1, 1})
	_, err := n.network().CompileTrain(CrossEntropy{}, newSGD())
	if err == nil || !strings.Contains(err.Error(), "has NaN as element 2") || !strings.Contains(strings.ToLower(err.Error()), "batchnorm lines") {
		t.Errorf("got error %v", err)
	}
}
