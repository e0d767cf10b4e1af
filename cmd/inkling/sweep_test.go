package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func readSweepText(t *testing.T, text string) (*sweepPlan, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p, _, err := readSweep(path)
	return p, err
}

// TestSweepDraws checks that what is drawn lies in its range, follows from the seed and
// the number alone, and fills the range.
func TestSweepDraws(t *testing.T) {
	p, err := readSweepText(t, "search:\n  lr: {min: 0.001, max: 0.1, scale: log}\n  batch: {min: 2, max: 5}\n  optimizer: [sgd, adamw]\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.Trials != 8 || len(p.Epochs) != 3 || p.Keep != 0.5 {
		t.Errorf("the defaults are %+v", p)
	}
	below, seen := 0, map[string]int{}
	const n = 400
	for i := range n {
		settings := p.trial(i)
		lr, _ := strconv.ParseFloat(settings[0][1], 64)
		if lr < 0.001 || lr > 0.1 {
			t.Errorf("lr is %v", lr)
		}
		if lr < 0.01 {
			below++
		}
		seen[settings[1][1]]++
		seen[settings[2][1]]++
		if again := p.trial(i); settingsLine(again) != settingsLine(settings) {
			t.Errorf("trial %d is %v, and then %v", i, settings, again)
		}
	}
	if below < n/2-60 || below > n/2+60 { // half of it, on a logarithmic scale
		t.Errorf("%d of %d rates are below the middle", below, n)
	}
	for _, value := range []string{"2", "3", "4", "5", "sgd", "adamw"} {
		if seen[value] < 20 {
			t.Errorf("%s was drawn %d times", value, seen[value])
		}
	}
	if len(seen) != 6 {
		t.Errorf("drawn were %v", seen)
	}
}

func TestSweepRefused(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"trials: 0\nsearch: {lr: [1]}", "trials is 0"},
		{"epochs: [2, 2]\nsearch: {lr: [1]}", "numbers that grow"},
		{"keep: 1\nsearch: {lr: [1]}", "keep is 1"},
		{"search: {lr: 3}", "want a list of values or"},
		{"search: {lr: []}", "has no values"},
		{"search: {lr: [[1]]}", "single values"},
		{"search: {lr: {min: 1}}", "want min < max"},
		{"search: {lr: {min: 0, max: 1, scale: log}}", "above 0"},
		{"search: {lr: {min: 0, max: 1, scale: cubic}}", "scale cannot be cubic"},
		{"fixed: {lr: 1}\nsearch: {lr: [1]}", "under fixed and under search"},
		{"fixed: {out: x}\nsearch: {lr: [1]}", "the sweep itself sets"},
		{"search: {lr: [1}", "s.yaml:1:"},
	} {
		if _, err := readSweepText(t, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want one with %q", test.text, err, test.want)
		}
	}
}
