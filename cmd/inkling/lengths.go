package main

import (
	"slices"

	"inkling"
	"inkling/data"
	"inkling/models"
	"inkling/train"
)

// mostWidths is how many programs of different lengths train on texts: each takes a moment
// to compile, and what more of them would save is little.
const mostWidths = 8

// tokensOf counts the tokens of every text to train on.
func (p *prepared) tokensOf() ([]int, error) {
	lengths := make([]int, p.train.Len())
	for i := range lengths {
		row, _, err := p.train.Example(i)
		if err != nil {
			return nil, err
		}
		lengths[i] = p.set.text.CountTokens(row)
	}
	return lengths, nil
}

// byLength has texts of like lengths trained together, and without most of what fills
// them up, where the network can be cut.
func (p *prepared) byLength(loader *data.Loader, config *train.Config) error {
	explainer, ok := p.model.Network.(models.Explainer)
	if p.set.kind() != inkling.Texts || !ok || loader.Sampler != nil {
		return nil
	}
	lengths, err := p.tokensOf()
	if err != nil {
		return err
	}
	loader.Sampler = data.ByLength{Lengths: lengths, BatchSize: max(loader.BatchSize, 1), Seed: loader.Seed}
	config.Cut = &train.Cut{Widths: widthsFor(lengths, explainer.Behind(), p.set.text.Length), Behind: explainer.Behind()}
	return nil
}

// widthsFor chooses widths so that about as many texts are read at each.
func widthsFor(lengths []int, behind, whole int) (widths []int) {
	sorted := slices.Sorted(slices.Values(lengths))
	for k := 1; k < mostWidths; k++ {
		if width := sorted[(len(sorted)-1)*k/mostWidths] + behind; width < whole {
			widths = append(widths, width)
		}
	}
	return slices.Compact(widths)
}
