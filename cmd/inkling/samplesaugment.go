package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"inkling"
	"inkling/sound"
	"inkling/text"
	"inkling/transform"
)

// A sampleStep is a step of --augment for texts or recordings, with one number.
type sampleStep struct {
	kind         inkling.Kind
	name, number string
	about        string
	most         float64
	standard     float64
	auto         bool // is one of those that auto stands for

	// step changes the samples' bytes; mask is what the step makes of the numbers for rows
	// and columns that a spectrogram's bands cover.
	step func(set *pictureSet, v float64) transform.Transform
	mask func(m *sound.Masks, v float64)
	// stretch is what the step makes of the numbers by which it is stretched before.
	stretch func(s *sound.Stretched, v float64)
}

var sampleSteps = []sampleStep{
	{kind: inkling.Texts, name: "words", number: "P", about: "take a token for an unknown one with this probability (0.1)", most: 0.9, standard: 0.1, auto: true,
		step: func(_ *pictureSet, v float64) transform.Transform {
			return transform.RandomReplace{P: v, By: text.Unknown, Keep: text.Padding}
		}},
	{kind: inkling.Recordings, name: "speed", number: "SHARE", about: "faster or slower by up to this share, and higher or lower with it (0.15)", most: 0.5, standard: 0.15, auto: true,
		step: change("speed", func(r *rand.Rand, samples []float32, v float64) []float32 { return sound.Speed(r, samples, v) })},
	{kind: inkling.Recordings, name: "shift", number: "SHARE", about: "move by up to this share of the length, silence follows (0.1)", most: 0.5, standard: 0.1,
		step: change("shift", func(r *rand.Rand, samples []float32, v float64) []float32 {
			return sound.Shift(r, samples, int(v*float64(len(samples))))
		})},
	{kind: inkling.Recordings, name: "noise", number: "DECIBELS", about: "add noise so far below the recording's mean power, or up to 40 dB farther (20)", most: 100, standard: 20,
		step: change("noise", func(r *rand.Rand, samples []float32, v float64) []float32 {
			return sound.Noise(r, samples, v+40*r.Float64())
		})},
	{kind: inkling.Recordings, name: "pitch", number: "SHARE", about: "stretch pitches by up to this share, as a longer or shorter throat does (0.2)", most: 0.5, standard: 0.2,
		stretch: func(s *sound.Stretched, v float64) { s.Rows = v }},
	{kind: inkling.Recordings, name: "tempo", number: "SHARE", about: "stretch time by up to this share, pitches stay (0.2)", most: 0.5, standard: 0.2,
		stretch: func(s *sound.Stretched, v float64) { s.Columns = v }},
	{kind: inkling.Recordings, name: "rows", number: "N", about: "cover a band of up to so many mels (6)", most: 128, standard: 6, auto: true,
		mask: func(m *sound.Masks, v float64) { m.Rows = int(v) }},
	{kind: inkling.Recordings, name: "columns", number: "N", about: "cover a band of up to so many columns (8)", most: 1024, standard: 8, auto: true,
		mask: func(m *sound.Masks, v float64) { m.Columns = int(v) }},
}

// change is a step that changes the samples of a recording.
func change(name string, f func(r *rand.Rand, samples []float32, v float64) []float32) func(*pictureSet, float64) transform.Transform {
	return func(_ *pictureSet, v float64) transform.Transform {
		return sound.Change{Name: name, F: func(r *rand.Rand, samples []float32) []float32 {
			if len(samples) == 0 {
				return samples
			}
			return f(r, samples, v)
		}}
	}
}

// sampleAugmentHelp describes the steps for texts and recordings.
func sampleAugmentHelp() string {
	var b strings.Builder
	for _, kind := range []inkling.Kind{inkling.Texts, inkling.Recordings} {
		fmt.Fprintf(&b, "\nOf %s:\n", kind)
		var auto []string
		for _, s := range sampleSteps {
			if s.kind != kind {
				continue
			}
			fmt.Fprintf(&b, "  %-18s %s\n", s.name+"="+s.number, s.about)
			if s.auto {
				auto = append(auto, s.name)
			}
		}
		fmt.Fprintf(&b, "  %-18s %s\n", "auto", strings.Join(auto, ","))
	}
	return strings.TrimRight(b.String(), "\n")
}

// parseSampleAugment reads the value of --augment for a set's texts or recordings. The steps
// in after follow when the network's input was made.
func parseSampleAugment(spec string, set *pictureSet) (a transform.Augmentation, after []transform.Transform, err error) {
	if spec == "" || spec == "none" {
		return a, nil, nil
	}
	if spec == "auto" {
		var names []string
		for _, s := range sampleSteps {
			if s.kind == set.kind() && s.auto {
				names = append(names, s.name)
			}
		}
		spec = strings.Join(names, ",")
	}
	var masks sound.Masks
	var stretched sound.Stretched
	given := map[string]bool{}
	for word := range strings.SplitSeq(spec, ",") {
		name, number, hasNumber := strings.Cut(strings.TrimSpace(word), "=")
		step := findSampleStep(set.kind(), name)
		switch {
		case step == nil:
			return a, nil, usagef("--augment: there is no step %q for %s, want %s", name, set.kind(), sampleStepNames(set.kind()))
		case given[name]:
			return a, nil, usagef("--augment: %s is there twice", name)
		}
		given[name] = true
		v := step.standard
		if hasNumber {
			if v, err = strconv.ParseFloat(number, 64); err != nil || !(v > 0 && v <= step.most) {
				return a, nil, usagef("--augment: %s is %q, want a number above 0 and %v at most", name, number, step.most)
			}
		}
		switch {
		case step.mask != nil:
			step.mask(&masks, v)
		case step.stretch != nil:
			step.stretch(&stretched, v)
		default:
			a.Steps = append(a.Steps, step.step(set, v))
		}
		a.Spec += fmt.Sprintf(",%s=%v", name, v)
	}
	a.Spec = strings.TrimPrefix(a.Spec, ",")
	if stretched != (sound.Stretched{}) {
		after = append(after, stretched)
	}
	if masks != (sound.Masks{}) {
		after = append(after, masks)
	}
	return a, after, nil
}

func findSampleStep(kind inkling.Kind, name string) *sampleStep {
	for i := range sampleSteps {
		if sampleSteps[i].kind == kind && sampleSteps[i].name == name {
			return &sampleSteps[i]
		}
	}
	return nil
}

func sampleStepNames(kind inkling.Kind) string {
	var names []string
	for _, s := range sampleSteps {
		if s.kind == kind {
			names = append(names, s.name)
		}
	}
	return strings.Join(append(names, "auto", "none"), ", ")
}
