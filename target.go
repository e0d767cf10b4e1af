package inkling

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"inkling/data"
)

// A Target is the number that a model tells in place of classes, such as a price. The
// network's one output, times Std and plus Mean, is that number.
type Target struct {
	Name string `json:"name"`
	data.Scale
}

// targetKey is what metadata note it under, as JSON.
const targetKey = "target"

// parseTarget reads the JSON of a Target.
func parseTarget(file string) (*Target, error) {
	var t Target
	if err := json.Unmarshal([]byte(file), &t); err != nil {
		return nil, fmt.Errorf("what number it tells cannot be read: %w", err)
	}
	return &t, t.check()
}

// check refuses a scale that is none, as numbers have that are too far from each other.
func (t *Target) check() error {
	switch {
	case t == nil:
		return nil
	case !(t.Std > 0) || math.IsInf(t.Std, 0) || math.IsNaN(t.Mean) || math.IsInf(t.Mean, 0):
		return fmt.Errorf("the numbers to tell (%s) have the mean %v and the deviation %v, want numbers, the deviation above 0", t.Name, t.Mean, t.Std)
	case t.Name == "":
		return errors.New("the number to tell has no name")
	}
	return nil
}
