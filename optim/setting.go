package optim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Setting is one setting of an optimizer or a schedule.
type Setting struct {
	Name  string // PyTorch's name: "lr", "betas", "nesterov", "T_max"
	Usage string // what it does, in a few words
	// Value points to the setting: a *float64, *[2]float64, *int, *[]int, *bool
	// or *string.
	Value any
}

// Set sets the setting from a text, such as "0.9", "0.9,0.999" or "true". The
// error tells what was wanted.
func (s Setting) Set(text string) error {
	wanted := ""
	switch v := s.Value.(type) {
	case *float64:
		x, ok := parseNumber(text)
		if ok {
			*v = x
			return nil
		}
		wanted = "a number"
	case *[2]float64:
		first, second, _ := strings.Cut(text, ",")
		x, ok := parseNumber(first)
		y, alsoOK := parseNumber(second)
		if ok && alsoOK {
			*v = [2]float64{x, y}
			return nil
		}
		wanted = "two numbers with a comma between them, such as 0.9,0.999"
	case *int:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err == nil {
			*v = n
			return nil
		}
		wanted = "a whole number"
	case *[]int:
		var list []int
		for part := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil {
				list = nil
				break
			}
			list = append(list, n)
		}
		if list != nil {
			*v = list
			return nil
		}
		wanted = "whole numbers with commas between them, such as 30,60"
	case *bool:
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true":
			*v = true
			return nil
		case "false":
			*v = false
			return nil
		}
		wanted = "true or false"
	case *string:
		*v = strings.TrimSpace(text)
		return nil
	}
	return fmt.Errorf("%s is %q, want %s", s.Name, text, wanted)
}

func parseNumber(text string) (float64, bool) {
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return x, err == nil && !math.IsNaN(x) && !math.IsInf(x, 0)
}

// String returns the setting's value as Set takes it.
func (s Setting) String() string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	switch v := s.Value.(type) {
	case *float64:
		return number(*v)
	case *[2]float64:
		return number(v[0]) + "," + number(v[1])
	case *int:
		return strconv.Itoa(*v)
	case *[]int:
		parts := make([]string, len(*v))
		for i, n := range *v {
			parts[i] = strconv.Itoa(n)
		}
		return strings.Join(parts, ",")
	case *bool:
		return strconv.FormatBool(*v)
	case *string:
		return *v
	}
	return ""
}

// SetAll sets some of the settings from a text like "momentum=0.9
// betas=0.9,0.999": names and values, with spaces between them. The error lists
// the names there are.
func SetAll(settings []Setting, text string) error {
	for part := range strings.FieldsSeq(text) {
		name, value, hasValue := strings.Cut(part, "=")
		at := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
		if at < 0 || !hasValue {
			var names []string
			for _, s := range settings {
				names = append(names, s.Name)
			}
			if at >= 0 {
				return fmt.Errorf("%s has no value; write %s=%v", name, name, settings[at])
			}
			return fmt.Errorf("there is no setting %q; there are %s", name, strings.Join(names, ", "))
		}
		if err := settings[at].Set(value); err != nil {
			return err
		}
	}
	return nil
}
