package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"
)

// sweepPlan is what a file says: which settings to try, how often, and how long.
type sweepPlan struct {
	Trials int            `yaml:"trials"` // trainings to begin with
	Epochs []int          `yaml:"epochs"` // after each of these, the best go on
	Keep   float64        `yaml:"keep"`   // share of the trainings that go on
	Seed   uint64         `yaml:"seed"`
	Fixed  map[string]any `yaml:"fixed"`  // settings that all have
	Search yaml.MapSlice  `yaml:"search"` // settings to try, by name

	ranges []searchRange
}

// searchRange is what a setting may be: one of values, or a number.
type searchRange struct {
	name        string
	values      []string
	low, high   float64
	logarithmic bool
	whole       bool
}

// readSweep reads the file of a sweep. An unknown key is an error that names the line.
func readSweep(path string) (*sweepPlan, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if len(text) > most {
		return nil, nil, fmt.Errorf("%s is larger than %d bytes, and so no file of a sweep", path, most)
	}
	p := &sweepPlan{Trials: 8, Epochs: []int{1, 2, 4}, Keep: 0.5, Seed: 1}
	if err := yaml.UnmarshalWithOptions(text, p, yaml.Strict()); err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
			return nil, nil, fmt.Errorf("%s:%d:%d: %s; there are trials, epochs, keep, seed, fixed and search", path, at.GetToken().Position.Line, at.GetToken().Position.Column, at.GetMessage())
		}
		return nil, nil, fmt.Errorf("%s is no file of a sweep: %w", path, err)
	}
	if err := p.check(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, text, nil
}

func (p *sweepPlan) check() error {
	const mostTrials = 10_000
	switch {
	case p.Trials < 1 || p.Trials > mostTrials:
		return fmt.Errorf("trials is %d, want 1 to %d", p.Trials, mostTrials)
	case len(p.Epochs) == 0 || p.Epochs[0] < 1 || !slices.IsSorted(p.Epochs) || len(slices.Compact(slices.Clone(p.Epochs))) < len(p.Epochs):
		return fmt.Errorf("epochs is %v, want numbers that grow, from 1", p.Epochs)
	case !(p.Keep > 0 && p.Keep < 1):
		return fmt.Errorf("keep is %v, want a share between 0 and 1", p.Keep)
	case len(p.Search) == 0:
		return errors.New("there is nothing to try: name settings under search, such as lr: {min: 0.001, max: 0.1, scale: log}")
	}
	for _, item := range p.Search {
		r, err := rangeOf(fmt.Sprint(item.Key), item.Value)
		if err != nil {
			return err
		}
		if slices.Contains(ownedBySweep, r.name) {
			return fmt.Errorf("search: %s is what the sweep itself sets", r.name)
		}
		p.ranges = append(p.ranges, r)
	}
	for name := range p.Fixed {
		if slices.Contains(ownedBySweep, name) {
			return fmt.Errorf("fixed: %s is what the sweep itself sets", name)
		}
		if slices.ContainsFunc(p.ranges, func(r searchRange) bool { return r.name == name }) {
			return fmt.Errorf("%s stands under fixed and under search", name)
		}
	}
	return nil
}

// ownedBySweep are the settings that a sweep's file may not have.
var ownedBySweep = []string{"run", "resume", "config", "epochs", "out", "force", "test", "json", "quiet", "dry-run", "max-steps", "max-time", "patience"}

// rangeOf reads what a setting may be.
func rangeOf(name string, value any) (searchRange, error) {
	r := searchRange{name: name}
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			switch one.(type) {
			case []any, map[string]any, nil:
				return r, fmt.Errorf("search: %s: a list must be of single values", name)
			}
			r.values = append(r.values, fmt.Sprint(one))
		}
		if len(r.values) == 0 {
			return r, fmt.Errorf("search: %s has no values", name)
		}
		return r, nil
	case map[string]any:
		return r, r.limits(v)
	}
	return r, fmt.Errorf("search: %s is %v, want a list of values or {min: , max: , scale: log}", name, value)
}

func (r *searchRange) limits(m map[string]any) error {
	wholes := 0
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value := m[key]
		number, isNumber := 0.0, true
		switch v := value.(type) {
		case float64:
			number = v
		case uint64:
			number = float64(v)
			wholes++
		case int64:
			number = float64(v)
			wholes++
		default:
			isNumber = false
		}
		switch {
		case key == "min" && isNumber:
			r.low = number
		case key == "max" && isNumber:
			r.high = number
		case key == "scale" && (value == "log" || value == "linear"):
			r.logarithmic = value == "log"
		default:
			return fmt.Errorf("search: %s: %s cannot be %v; there are min and max, numbers, and scale, log or linear", r.name, key, value)
		}
	}
	r.whole = wholes == 2
	if !(r.low < r.high) || math.IsInf(r.high, 0) || math.IsInf(r.low, 0) || r.logarithmic && r.low <= 0 {
		return fmt.Errorf("search: %s: min is %v and max %v, want min < max, and for a logarithmic scale above 0", r.name, r.low, r.high)
	}
	return nil
}

// draw draws a value.
func (r *searchRange) draw(g *rand.Rand) string {
	if r.values != nil {
		return r.values[g.IntN(len(r.values))]
	}
	u := g.Float64()
	v := r.low + u*(r.high-r.low)
	if r.logarithmic {
		v = math.Exp(math.Log(r.low) + u*(math.Log(r.high)-math.Log(r.low)))
	}
	if r.whole {
		return strconv.Itoa(int(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// trial returns the settings of a trial, counted from 0, in the order of the file. It
// draws the same whatever other trials there are.
func (p *sweepPlan) trial(number int) (settings [][2]string) {
	g := rand.New(rand.NewPCG(p.Seed, uint64(number)))
	for _, r := range p.ranges {
		settings = append(settings, [2]string{r.name, r.draw(g)})
	}
	return settings
}

// left is how many of the trials go on after a rung, at least one.
func (p *sweepPlan) left(n int) int { return max(int(math.Ceil(p.Keep*float64(n))), 1) }
