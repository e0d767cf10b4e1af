package main

import (
	"errors"
	"io"
	"path/filepath"
	"strings"

	"inkling/internal/atomicfile"
)

var errProbe = errors.New("the file can be written")

// checkSavable reports, without touching what is there, whether a model can be
// saved at path: nobody wants to hear of a missing folder after the training.
func checkSavable(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pth", ".pt", ".safetensors", ".npz":
	default:
		return usagef("--out %s: a model's name ends in .pth, .pt, .safetensors or .npz", path)
	}
	err := atomicfile.Write(path, func(io.Writer) error { return errProbe })
	if errors.Is(err, errProbe) {
		return nil
	}
	return err
}
