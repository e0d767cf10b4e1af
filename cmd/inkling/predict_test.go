package main

import (
	"slices"
	"testing"
)

func TestMostProbable(t *testing.T) {
	var all []classAndOdds
	for i := range 12 {
		all = append(all, classAndOdds{string(rune('a' + i)), float64(i%6) / 100})
	}
	if got := mostProbable(all[:10]); !slices.Equal(got, all[:10]) {
		t.Errorf("of ten classes: %v, want all in their order", got)
	}
	got := mostProbable(all)
	if len(got) != 5 || got[0].Class != "f" || got[1].Class != "l" || got[2].Class != "e" {
		t.Errorf("of twelve classes: %v, want f, l, e and two more", got)
	}
}
