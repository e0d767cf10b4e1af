package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"inkling/transform"
)

const augmentFlag = "change the pictures of training at random: `STEPS` such as crop=4,flip; auto takes what suits the data"

// augmentHelp describes the steps, for the help of a command with --augment.
func augmentHelp() string {
	var b strings.Builder
	b.WriteString(`The steps of --augment, in their order, with a number (in brackets: without one):
`)
	for _, s := range transform.AugmentationSteps() {
		fmt.Fprintf(&b, "  %-18s %s\n", strings.TrimSuffix(s.Name+"="+s.Number, "="), s.About)
	}
	b.WriteString("  auto               crop,flip for pictures; affine for characters, which must not be mirrored\n" +
		"  none               nothing\n")
	b.WriteString(sampleAugmentHelp())
	return b.String()
}

// parseAugment reads the value of --augment for pictures of a shape. What is
// wrong with it is a usage error.
func parseAugment(spec string, channels, height, width int, symbols bool) (transform.Augmentation, error) {
	a, err := transform.ParseAugmentation(spec, transform.Format{Channels: channels, Height: height, Width: width}, symbols)
	if err != nil {
		return a, usageError{fmt.Errorf("--augment: %w", err)}
	}
	return a, nil
}

// holdsSymbols tells whether classes are characters. Then the name of one of them
// is a single character: "7", "a", and KMNIST's "o".
func holdsSymbols(classes []string) bool {
	return slices.ContainsFunc(classes, func(name string) bool { return utf8.RuneCountInString(name) == 1 })
}
