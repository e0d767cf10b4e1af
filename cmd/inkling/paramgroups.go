package main

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/weights"
)

// paramGroup is some parameters that are trained otherwise than the rest.
type paramGroup struct {
	pattern string
	factor  float64         // their learning rate, in those of the rest
	own     optim.Optimizer // nil for the one of the rest

	optimizer optim.Optimizer // that trains them
}

// parseGroups reads --lr-factor and --optimizer-for.
func (o *tuneOptions) parseGroups() error {
	o.groups = nil
	for _, text := range o.factors {
		at := strings.LastIndexByte(text, '=')
		if at <= 0 {
			return usagef("--lr-factor is %q, want a pattern of names, = and a number, such as \"fc.*=10\"", text)
		}
		factor, err := strconv.ParseFloat(text[at+1:], 64)
		if err != nil || !(factor > 0) || math.IsInf(factor, 0) {
			return usagef("--lr-factor %s: %q is no number above 0; what is not to be trained is for --freeze", text, text[at+1:])
		}
		o.groups = append(o.groups, paramGroup{pattern: text[:at], factor: factor})
	}
	for _, text := range o.optimizers {
		pattern, settings, found := strings.Cut(text, "=")
		if !found || pattern == "" {
			return usagef("--optimizer-for is %q, want a pattern of names, = and an optimizer, such as \"*.bias=sgd lr=0.1 momentum=0.9\"", text)
		}
		own, err := optim.Parse(settings)
		if err != nil {
			return usagef("--optimizer-for %s: %s", text, strings.TrimPrefix(err.Error(), "optim: "))
		}
		if rateOf(own) == 0 {
			return usagef("--optimizer-for %s: its lr is 0, want more; what is not to be trained is for --freeze", text)
		}
		o.groups = append(o.groups, paramGroup{pattern: pattern, own: own})
	}
	return nil
}

// rateOf is the learning rate of an optimizer, 0 if it has none.
func rateOf(of optim.Optimizer) float64 {
	if s := settingOf(of, "lr"); s != nil {
		if v, ok := s.Value.(*float64); ok {
			return *v
		}
	}
	return 0
}

// relateGroups finds out the factors of groups that have optimizers of their own, once
// the one of the rest is known.
func (o *trainOptions) relateGroups() {
	for i := range o.groups {
		if g := &o.groups[i]; g.own != nil {
			g.factor = rateOf(g.own) / o.rate()
		}
	}
}

// describe tells of a group of so many parameters.
func (g *paramGroup) describe(members int) string {
	if g.own == nil {
		return fmt.Sprintf("Learning rate of %s (%s): %v times the others'.", g.pattern, count(members, "parameter"), g.factor)
	}
	var settings []string
	for _, s := range g.own.Settings() {
		settings = append(settings, strings.ReplaceAll(s.Name, "_", " ")+" "+s.String())
	}
	return fmt.Sprintf("%s (%s) by %s: %s.", g.pattern, count(members, "parameter"), reflect.TypeOf(g.own).Elem().Name(), strings.Join(settings, ", "))
}

func (o *tuneOptions) patterns() []string {
	list := slices.Clone(o.freeze)
	for _, g := range o.groups {
		list = append(list, g.pattern)
	}
	return list
}

// checkNames refuses patterns that match nothing, or one parameter twice, or all.
func (o *tuneOptions) checkNames(network nn.Module) error {
	if len(o.freeze)+len(o.groups) == 0 {
		return nil
	}
	var names []string
	for _, e := range nn.State(network) {
		if !e.IsBuffer() {
			names = append(names, e.Name())
		}
	}
	for _, pattern := range o.patterns() {
		if !slices.ContainsFunc(names, func(name string) bool { return matches(pattern, name) }) {
			const most = 12
			list := strings.Join(names[:min(most, len(names))], ", ")
			if len(names) > most {
				list += fmt.Sprintf(" and %d more", len(names)-most)
			}
			return usagef("no parameter of the network is called %s; there are %s", pattern, list)
		}
	}
	for _, name := range names {
		var before string
		for _, g := range o.groups {
			if !matches(g.pattern, name) {
				continue
			}
			if before != "" {
				return usagef("--lr-factor and --optimizer-for have two ways to train %s, by %s and by %s; it can have one only", name, before, g.pattern)
			}
			before = g.pattern
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return !o.freezes(name) }) {
		return usagef("--freeze %s freezes all parameters: nothing would be learnt", strings.Join(o.freeze, ", "))
	}
	return nil
}

func matches(pattern, name string) bool {
	ok, _ := path.Match(pattern, name)
	return ok
}

func (o *tuneOptions) freezes(name string) bool {
	return slices.ContainsFunc(o.freeze, func(pattern string) bool { return matches(pattern, name) })
}

// training has a training freeze what is to be frozen, gives groups of parameters their
// optimizers, keeps an average of the weights, and tells how convolutions are computed. It is
// nil if there is nothing to do.
func (o *trainOptions) training() func(t *nn.Training) {
	if len(o.freeze)+len(o.groups) == 0 && o.conv == nn.ExactConvolutions && o.ema == 0 {
		return nil
	}
	for i := range o.groups {
		g := &o.groups[i]
		g.optimizer = scaledOptimizer(cmp.Or(g.own, o.optimizer), o.rate()*g.factor)
	}
	return func(t *nn.Training) {
		t.Network.Convolutions = o.conv
		t.Freeze, t.FrozenAsEval = o.freeze, true
		if o.ema > 0 {
			t.Average = &nn.Average{Decay: o.ema, Buffers: true}
		}
		if len(o.groups) == 0 {
			return
		}
		// The others come first: it is their rate that is told.
		t.Groups = []nn.Group{{Optimizer: o.optimizer, Match: func(name string, _ []int) bool {
			return !slices.ContainsFunc(o.groups, func(g paramGroup) bool { return matches(g.pattern, name) })
		}}}
		for _, g := range o.groups {
			t.Groups = append(t.Groups, nn.Group{Params: []string{g.pattern}, Optimizer: g.optimizer})
		}
	}
}

// scaledOptimizer returns an optimizer like another, with this rate.
func scaledOptimizer(of optim.Optimizer, rate float64) optim.Optimizer {
	value := reflect.New(reflect.TypeOf(of).Elem())
	value.Elem().Set(reflect.ValueOf(of).Elem())
	scaled := value.Interface().(optim.Optimizer)
	if s := settingOf(scaled, "lr"); s != nil {
		*s.Value.(*float64) = rate
	}
	return scaled
}

// state is the optimizers' state, when the last batch had that rate.
func (o *trainOptions) state(program *nn.TrainProgram, rate float64) *weights.Optimizer {
	state, base := train.OptimizerState(program), o.rate()
	if rate == base {
		return state
	}
	for i, parameters := range program.ParameterGroups() {
		factor := 1.
		for _, g := range o.groups {
			if len(parameters) > 0 && parameters[0].Optimizer == g.optimizer {
				factor = g.factor
			}
		}
		settings := state.Groups[i].Settings
		settings["initial_lr"], settings["lr"] = base*factor, rate*factor // as PyTorch's schedules have it
	}
	return state
}

// scaledCycle is a OneCycleLR for optimizers of several rates: its highest rate is for
// those that start with base.
type scaledCycle struct {
	*optim.OneCycleLR
	base float64
}

// Rate returns the rate of a step.
func (s scaledCycle) Rate(base float64, step int) float64 {
	return s.OneCycleLR.Rate(base, step) * (base / s.base)
}
