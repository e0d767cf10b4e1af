package weights

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
)

// MetadataVersion is the version of Metadata that this package writes. It is
// raised only when a field changes its meaning, not when one is added.
const MetadataVersion = 1

// Metadata is what a program must know, beside the weights, to use a network.
// Every field may be left out.
//
// In a file it is a map from the names below to text: a text is itself,
// anything else is written as JSON. Names that are not below are kept in Extra.
type Metadata struct {
	// FormatVersion is the version of this record. Save sets it to
	// MetadataVersion if it is 0; a higher one is refused when read.
	FormatVersion int `json:"format_version"`
	// Inkling is the version of the program that wrote the file: "v1.2.0".
	Inkling string `json:"inkling,omitempty"`
	// Architecture names the network: "LeNet".
	Architecture string `json:"architecture,omitempty"`
	// Dataset names the data the network was trained on: "mnist", "emnist".
	Dataset string `json:"dataset,omitempty"`
	// Split names the part of the data set: "digits", "byclass".
	Split string `json:"split,omitempty"`
	// Classes holds the name of each class in the order of the outputs.
	Classes []string `json:"classes,omitempty"`
	// Mean and Std hold, for each channel or one for all, what Normalize
	// subtracts from the pixels, which run from 0 to 1, and divides them by
	// then. They have the same length, and Std is positive.
	Mean []float32 `json:"mean,omitempty"`
	Std  []float32 `json:"std,omitempty"`
	// Orientation is how the images lay that the network was trained on:
	// Upright, or Transposed as EMNIST is stored.
	Orientation string `json:"orientation,omitempty"`
	// Input is the shape of one input: channels, height, width.
	Input []int `json:"input,omitempty"`
	// Extra is free: settings of the training (epochs, batch, lr, momentum,
	// seed), the accuracy reached. Its keys must not be those above.
	Extra map[string]string `json:"extra,omitempty"`
}

// The orientations of images.
const (
	Upright    = "upright"
	Transposed = "transposed"
)

// field is a field of Metadata under its name in a file.
type field struct {
	name  string
	value any // pointer to it
}

func (m *Metadata) fields() []field {
	return []field{
		{"format_version", &m.FormatVersion},
		{"inkling", &m.Inkling},
		{"architecture", &m.Architecture},
		{"dataset", &m.Dataset},
		{"split", &m.Split},
		{"classes", &m.Classes},
		{"mean", &m.Mean},
		{"std", &m.Std},
		{"orientation", &m.Orientation},
		{"input", &m.Input},
	}
}

// Pairs returns the metadata as it is written to a file: texts under names. It
// is an error if a value is one that no program could use.
func (m Metadata) Pairs() (map[string]string, error) {
	if m.FormatVersion == 0 {
		m.FormatVersion = MetadataVersion
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	pairs := maps.Clone(m.Extra)
	if pairs == nil {
		pairs = map[string]string{}
	}
	for _, f := range m.fields() {
		if _, taken := pairs[f.name]; taken {
			return nil, fmt.Errorf("the metadata's Extra has the key %s, which is a field of its own; use that field", f.name)
		}
		if reflect.ValueOf(f.value).Elem().IsZero() {
			continue
		}
		if text, ok := f.value.(*string); ok {
			pairs[f.name] = *text
			continue
		}
		text, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("the metadata's field %s cannot be written: %w", f.name, err)
		}
		pairs[f.name] = string(text)
	}
	return pairs, nil
}

// metadataOf returns the metadata that pairs holds, nil for no pairs. Pairs
// that another program wrote, without a version, are all kept in Extra.
func metadataOf(pairs map[string]string) (*Metadata, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	m := &Metadata{Extra: maps.Clone(pairs)}
	if _, ours := pairs["format_version"]; !ours {
		return m, nil
	}
	for _, f := range m.fields() {
		text, ok := pairs[f.name]
		if !ok {
			continue
		}
		delete(m.Extra, f.name)
		if s, ok := f.value.(*string); ok {
			*s = text
			continue
		}
		// Numbers in memory are larger than as text; no list of theirs is long.
		const mostNumbers = 4096
		if _, isText := f.value.(*[]string); !isText && len(text) > mostNumbers {
			return nil, fmt.Errorf("the metadata's field %s has %d bytes, wanted at most %d", f.name, len(text), mostNumbers)
		}
		if list, isText := f.value.(*[]string); isText {
			// Room for all at once keeps a growing list from being copied; a
			// text takes three characters with its quotes and comma.
			*list = make([]string, 0, min(strings.Count(text, ","), len(text)/3)+1)
		}
		if err := json.Unmarshal([]byte(text), f.value); err != nil {
			return nil, fmt.Errorf("the metadata's field %s is %s, which is not what it must be (%w)", f.name, printable(text[:min(len(text), 80)]), err)
		}
	}
	if len(m.Extra) == 0 {
		m.Extra = nil
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// check finds values that no program could use.
func (m *Metadata) check() error {
	if m.FormatVersion < 1 || m.FormatVersion > MetadataVersion {
		return fmt.Errorf("the metadata has version %d, this program knows 1 to %d; use a newer Inkling", m.FormatVersion, MetadataVersion)
	}
	if o := m.Orientation; o != "" && o != Upright && o != Transposed {
		return fmt.Errorf("the metadata's orientation is %s; wanted %s or %s", printable(o), Upright, Transposed)
	}
	if m.Input != nil {
		if len(m.Input) != 3 {
			return fmt.Errorf("the metadata's input has %d dimensions; wanted 3: channels, height, width", len(m.Input))
		}
		const most = 1 << 16
		for _, n := range m.Input {
			if n < 1 || n > most {
				return fmt.Errorf("the metadata's input is %v; wanted numbers from 1 to %d", m.Input, most)
			}
		}
	}
	if len(m.Mean) != len(m.Std) {
		return fmt.Errorf("the metadata has %d means and %d standard deviations; wanted as many of each", len(m.Mean), len(m.Std))
	}
	if m.Input != nil && len(m.Mean) > 1 && len(m.Mean) != m.Input[0] {
		return fmt.Errorf("the metadata has %d means for an input of %d channels; wanted one, or one for each", len(m.Mean), m.Input[0])
	}
	for i := range m.Mean {
		mean, std := float64(m.Mean[i]), float64(m.Std[i])
		if math.IsNaN(mean) || math.IsInf(mean, 0) || math.IsInf(std, 0) || !(std > 0) {
			return fmt.Errorf("the metadata's mean %v and std %v of channel %d cannot normalise; wanted numbers, and std above 0", mean, std, i)
		}
	}
	return nil
}
