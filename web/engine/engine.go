// Package engine reads drawings with the built-in network as the server does, for pages
// without a server.
package engine

import (
	"inkling/models/digits"
	"inkling/nn"
	"inkling/prepare"
	"inkling/sketch"
	"inkling/transform"
	"inkling/web/reading"
)

// A Description is what a page asks once: what GET /api/model and GET /api/network answer.
type Description struct {
	Model   reading.Description `json:"model"`
	Network *reading.Stages     `json:"network"`
}

// Describe describes the built-in network.
func Describe(r *reading.Reader) Description {
	return Description{r.Description(digits.Title(digits.LeNet)), r.Stages}
}

// BuiltIn returns what reads drawings with the built-in network, with its judge of what is
// no digit. It fails only in a program that was built wrong.
func BuiltIn() (*reading.Reader, error) {
	network, about, err := digits.Load()
	if err != nil {
		return nil, err
	}
	p := prepare.Preparation{Auto: true, Channels: 1, Height: sketch.Size, Width: sketch.Size}
	p.Way = prepare.LikelyWay(about.Dataset, about.Split, p)
	n, err := reading.Describe(network, about, p)
	if err != nil {
		return nil, err
	}
	if n.Judge, err = digits.Judge(); err != nil {
		return nil, err
	}
	normal := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: about.Mean, Std: about.Std}}
	return reading.NewReader(network, nn.FastConvolutions, normal, n)
}
