package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestInfo looks at what is no plain state dict.
func TestInfo(t *testing.T) {
	pth := filepath.Join("..", "..", "weights", "pth", "testdata")
	for path, wants := range map[string][]string{
		filepath.Join(pth, "checkpoint.pth"): {
			"6 tensors of 3 layers (format pth).", "Beside them: 6 other tensors",
			"Optimiser, group 0, 6 parameters: dampening 0, lr 0.1, momentum 0.9, weight_decay 0.\n",
		},
		filepath.Join(pth, "tensor_only.pth"): {"(no name)  4x6    float32  24", "tensor_only.pth: no state dict, but 1 other tensor, 24 numbers (format pth)."},
		filepath.Join(pth, "whole_module.pth"): {
			"6 tensors of 3 layers", "It is a whole pickled network, of the Python class __main__.Net. Its code is not in the file",
		},
		filepath.Join("..", "..", "nn", "testdata", "lenet", "sgd_b4", "images_u8.npy"): {"arr_0", "uint8", "format npy"},
		filepath.Join("..", "..", "weights", "onnx", "testdata", "torch.onnx"): {
			`Input "image": batch x 1 x 4 x 4, float32.`, "1 BatchNormalization, 1 Conv, 1 Flatten, 1 Gemm, 1 Relu (operator set 17, written by pytorch",
		},
	} {
		var text, report, stderr bytes.Buffer
		if status := run([]string{"info", path}, nil, &text, &stderr); status != statusOK {
			t.Fatalf("%s: status %d, %s", path, status, stderr.String())
		}
		for _, want := range wants {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: %s\nlacks %q", path, text.String(), want)
			}
		}
		if status := run([]string{"info", path, "--json"}, nil, &report, &stderr); status != statusOK || !json.Valid(report.Bytes()) {
			t.Errorf("%s: status %d, %s", path, status, stderr.String())
		}
	}
}

// TestConvertWhole makes a state dict of a whole pickled network.
func TestConvertWhole(t *testing.T) {
	to := filepath.Join(t.TempDir(), "state_dict.pth")
	said := mustConvert(t, filepath.Join("..", "..", "weights", "pth", "testdata", "whole_module_legacy.pth"), to)
	if want := "It was a whole pickled network, of the Python class torch.nn.parallel.data_parallel.DataParallel;"; !strings.Contains(said, want) {
		t.Errorf("%q lacks %q", said, want)
	}
	var text, stderr bytes.Buffer
	if status := run([]string{"info", to}, nil, &text, &stderr); status != statusOK || strings.Contains(text.String(), "pickled") || !strings.Contains(text.String(), "conv.weight") {
		t.Errorf("status %d, %s%s", status, text.String(), stderr.String())
	}
}
