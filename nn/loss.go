package nn

import (
	"fmt"
	"math"
)

// Loss says how a network's outputs are judged. The losses of this package are
// operations, and so is every other: NewLoss makes one of a function.
type Loss interface {
	// Targets returns the shapes and types, batch first, of what the outputs of
	// a network are held against, or says why it cannot judge them.
	Targets(outputs []Spec) ([]Spec, error)
	// Judge adds the loss to the network: one number for each example, a value of
	// shape N, whose mean over the batch is the loss.
	Judge(outputs, targets []*Value) *Value
}

// NewLoss returns a loss made of operations, such as the sum of several losses
// of several outputs:
//
//	nn.NewLoss([]nn.Spec{{Shape: nn.Shape{32}, Type: nn.Int32}, {Shape: nn.Shape{32, 4}}},
//		func(outputs, targets []*nn.Value) *nn.Value {
//			class := (&nn.CrossEntropyLoss{}).Forward(outputs[0], targets[0])
//			box := (&nn.SmoothL1Loss{}).Forward(outputs[1], targets[1])
//			return nn.Add(class, nn.Affine(box, 0.5, 0))
//		})
//
// Targets are the shapes and types of the targets, the batch first; see Loss for
// what judge returns. A network that is compiled for another batch has targets of
// that batch.
func NewLoss(targets []Spec, judge func(outputs, targets []*Value) *Value) Loss {
	return functionLoss{targets, judge}
}

type functionLoss struct {
	targets []Spec
	judge   func(outputs, targets []*Value) *Value
}

func (l functionLoss) Targets(outputs []Spec) ([]Spec, error) {
	if l.judge == nil {
		return nil, fmt.Errorf("NewLoss got no function")
	}
	batch := outputs[0].Shape[0]
	list := make([]Spec, len(l.targets))
	for i, t := range l.targets {
		if len(t.Shape) == 0 || t.Shape[0] < 1 || t.Shape[0]%l.targets[0].Shape[0] != 0 {
			return nil, fmt.Errorf("target %d has the shape %v, which has no batch first", i, t.Shape)
		}
		list[i] = Spec{t.Shape.clone(), t.Type}
		list[i].Shape[0] = t.Shape[0] / l.targets[0].Shape[0] * batch
	}
	return list, nil
}

func (l functionLoss) Judge(outputs, targets []*Value) *Value { return l.judge(outputs, targets) }

// CrossEntropy is the mean over the batch of -log softmax(logits)[label], as
// torch.nn.CrossEntropyLoss. The network's first output is logits, N x classes,
// and the targets are labels. CrossEntropyLoss can do more.
type CrossEntropy struct {
	// LabelSmoothing, 0 to 1, is the share of a target that is spread evenly
	// over all classes (Szegedy et al. 2015, arXiv:1512.00567); 0, PyTorch's
	// default, leaves targets as they are.
	LabelSmoothing float64
	// Soft has probabilities of the classes as targets, N x classes, as MixUp and
	// CutMix make them, and -Σ targets[c] log softmax(logits)[c] as the loss.
	Soft bool
}

// noClass is a class that no label names.
const noClass = math.MinInt32

// Check wants a LabelSmoothing from 0 to 1.
func (l CrossEntropy) Check() error {
	if !(l.LabelSmoothing >= 0 && l.LabelSmoothing <= 1) {
		return fmt.Errorf("cross-entropy wants a LabelSmoothing from 0 to 1, got %v", l.LabelSmoothing)
	}
	return nil
}

// Targets are labels, N, or with Soft N x classes.
func (l CrossEntropy) Targets(outputs []Spec) ([]Spec, error) {
	logits := outputs[0]
	if len(logits.Shape) != 2 || logits.Type != Float32 {
		return nil, fmt.Errorf("cross-entropy wants logits of shape N x classes, got %v of type %v", logits.Shape, logits.Type)
	}
	if l.Soft {
		return []Spec{logits}, nil
	}
	return []Spec{{logits.Shape[:1], Int32}}, nil
}

// Judge adds the loss to the network.
func (l CrossEntropy) Judge(outputs, targets []*Value) *Value {
	return ApplyAll(crossEntropy{smoothing: l.LabelSmoothing, soft: l.Soft, ignore: noClass}, nil, nil, outputs[0], targets[0])[0]
}

// Targets are classes, Int32 and of the shape of the first output without its
// second dimension.
func (l *CrossEntropyLoss) Targets(outputs []Spec) ([]Spec, error) { return classTargets(outputs) }

// Judge adds the loss of the first output to the network.
func (l *CrossEntropyLoss) Judge(outputs, targets []*Value) *Value {
	return l.Forward(outputs[0], targets[0])
}

// Targets are classes, Int32 and of the shape of the first output without its
// second dimension.
func (l *NLLLoss) Targets(outputs []Spec) ([]Spec, error) { return classTargets(outputs) }

// Judge adds the loss of the first output to the network.
func (l *NLLLoss) Judge(outputs, targets []*Value) *Value { return l.Forward(outputs[0], targets[0]) }

func classTargets(outputs []Spec) ([]Spec, error) {
	in := outputs[0].Shape
	if len(in) < 2 {
		return nil, fmt.Errorf("the loss wants an output of shape N x C or N x C x ..., got %v", in)
	}
	return []Spec{{append(Shape{in[0]}, in[2:]...), Int32}}, nil
}

// Targets are numbers of the first output's shape.
func (l *MSELoss) Targets(outputs []Spec) ([]Spec, error) { return likeOutput(outputs) }

// Judge adds the loss of the first output to the network.
func (l *MSELoss) Judge(outputs, targets []*Value) *Value { return l.Forward(outputs[0], targets[0]) }

// Targets are numbers of the first output's shape.
func (l *L1Loss) Targets(outputs []Spec) ([]Spec, error) { return likeOutput(outputs) }

// Judge adds the loss of the first output to the network.
func (l *L1Loss) Judge(outputs, targets []*Value) *Value { return l.Forward(outputs[0], targets[0]) }

// Targets are numbers of the first output's shape.
func (l *SmoothL1Loss) Targets(outputs []Spec) ([]Spec, error) { return likeOutput(outputs) }

// Judge adds the loss of the first output to the network.
func (l *SmoothL1Loss) Judge(outputs, targets []*Value) *Value {
	return l.Forward(outputs[0], targets[0])
}

// Targets are numbers of the first output's shape.
func (l *HuberLoss) Targets(outputs []Spec) ([]Spec, error) { return likeOutput(outputs) }

// Judge adds the loss of the first output to the network.
func (l *HuberLoss) Judge(outputs, targets []*Value) *Value { return l.Forward(outputs[0], targets[0]) }

// Targets are numbers of the first output's shape, from 0 to 1.
func (l *BCEWithLogitsLoss) Targets(outputs []Spec) ([]Spec, error) { return likeOutput(outputs) }

// Judge adds the loss of the first output to the network.
func (l *BCEWithLogitsLoss) Judge(outputs, targets []*Value) *Value {
	return l.Forward(outputs[0], targets[0])
}

func likeOutput(outputs []Spec) ([]Spec, error) {
	if outputs[0].Type != Float32 {
		return nil, fmt.Errorf("the loss wants an output of numbers, got %v", outputs[0].Type)
	}
	return outputs[:1], nil
}
