package main

import (
	"bytes"

	"inkling/models"
	"inkling/nn"
	"inkling/weights/graph"
	"inkling/weights/onnx"
)

// row is a line of the table: a job that everybody is given.
type row struct {
	name    string
	says    string
	train   bool
	batch   int
	threads int // 0: all
	size    int // of the pictures, in height and width
	channel int
	make    func() (nn.Module, error)
}

// rows is the table. Other workers know the rows by their names.
var rows = []row{
	{"lenet-predict-1", "LeNet, inference, batch 1, one core", false, 1, 1, 28, 1, lenet},
	{"lenet-predict-256", "LeNet, inference, batch 256", false, 256, 0, 28, 1, lenet},
	{"lenet-train-64", "LeNet, training, batch 64", true, 64, 0, 28, 1, lenet},
	{"lenet-train-1024", "LeNet, training, batch 1024", true, 1024, 0, 28, 1, lenet},
	{"plain-train-64", "32-64-128 of 3x3 on 3x32x32, training, batch 64", true, 64, 0, 32, 3, newPlain},
	{"plain-predict-64", "32-64-128 of 3x3 on 3x32x32, inference, batch 64", false, 64, 0, 32, 3, newPlain},
	{"resnet18-train-64", "ResNet-18 on 3x32x32, training, batch 64", true, 64, 0, 32, 3, zoo("resnet18", 32)},
	{"resnet18-predict-64", "ResNet-18 on 3x32x32, inference, batch 64", false, 64, 0, 32, 3, zoo("resnet18", 32)},
	{"resnet18-predict-1", "ResNet-18 on 3x32x32, inference, batch 1", false, 1, 0, 32, 3, zoo("resnet18", 32)},
	{"mobilenet-train-64", "MobileNetV2 as torchvision's on 3x32x32, training, batch 64", true, 64, 0, 32, 3, zoo("mobilenet_v2", 224)},
	{"mobilenet-predict-64", "MobileNetV2 as torchvision's on 3x32x32, inference, batch 64", false, 64, 0, 32, 3, zoo("mobilenet_v2", 224)},
	{"mobilenet-fine-train-64", "MobileNetV2, first two strides 1, training, batch 64", true, 64, 0, 32, 3, zoo("mobilenet_v2", 32)},
	{"mobilenet-fine-predict-64", "MobileNetV2, first two strides 1, inference, batch 64", false, 64, 0, 32, 3, zoo("mobilenet_v2", 32)},
	{"resnet18-large-predict-1", "ResNet-18 on 3x224x224, inference, batch 1", false, 1, 0, 224, 3, zoo("resnet18", 224)},
	{"resnet18-large-imported-predict-1", "ResNet-18 on 3x224x224, opened from a .onnx, inference, batch 1", false, 1, 0, 224, 3, imported("resnet18", 224)},
	{"mobilenet-large-imported-predict-1", "MobileNetV2 on 3x224x224, opened from a .onnx, inference, batch 1", false, 1, 0, 224, 3, imported("mobilenet_v2", 224)},
	{"squeezenet-large-imported-predict-1", "SqueezeNet 1.1 on 3x224x224, opened from a .onnx, inference, batch 1", false, 1, 0, 224, 3, imported("squeezenet1_1", 224)},
}

const classes = 10

func lenet() (nn.Module, error) { return models.NewLeNet(classes, 1), nil }

// zoo makes a model in the form that it has for pictures of a size; it reads other
// sizes, too.
func zoo(name string, size int) func() (nn.Module, error) {
	return func() (nn.Module, error) {
		m, err := models.FindModel(name)
		if err != nil {
			return nil, err
		}
		return m.NewModel(models.Config{Channels: 3, Height: size, Width: size, Classes: classes}, 1)
	}
}

// imported makes the model that zoo makes, writes it as a .onnx, and opens that as what the
// file says: a graph of operators.
func imported(name string, size int) func() (nn.Module, error) {
	return func() (nn.Module, error) {
		network, err := zoo(name, size)()
		if err != nil {
			return nil, err
		}
		var file bytes.Buffer
		if err := (&onnx.Model{Network: network, Shape: []int{3, size, size}}).Write(&file); err != nil {
			return nil, err
		}
		contents, err := onnx.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			return nil, err
		}
		g, err := contents.Graph()
		if err != nil {
			return nil, err
		}
		return graph.NewPicture(g, 3, size, size)
	}
}

// plain is three convolutions of 3x3, each with ReLU and pooling, and two linear
// layers.
type plain struct {
	Conv1, Conv2, Conv3 nn.Conv2d
	FC1, FC2            nn.Linear
}

func newPlain() (nn.Module, error) {
	conv := func(in, out int) nn.Conv2d { return nn.Conv2d{In: in, Out: out, Kernel: 3, Padding: 1} }
	n := &plain{Conv1: conv(3, 32), Conv2: conv(32, 64), Conv3: conv(64, 128), FC1: nn.Linear{In: 128 * 4 * 4, Out: 256}, FC2: nn.Linear{In: 256, Out: classes}}
	return n, nn.Init(n, random())
}

func (n *plain) Forward(x *nn.Value) *nn.Value {
	for _, c := range []*nn.Conv2d{&n.Conv1, &n.Conv2, &n.Conv3} {
		x = (&nn.MaxPool2d{Kernel: 2}).Forward(nn.ReLU(c.Forward(x)))
	}
	return n.FC2.Forward(nn.ReLU(n.FC1.Forward(x.Flatten())))
}
