package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"inkling/optim"
)

// optimizing is how a training moves the weights: the optimizer with its settings, and
// the schedule of its learning rate.
type optimizing struct {
	name     string // of optim.Table
	given    map[string]string
	schedule string  // a name of optim.Schedules and settings
	every    string  // what a step of the schedule is: "batch", "epoch", or "" for the usual
	gamma    float64 // the learning rate is multiplied by it after each epoch
	ema      float64 // the decay of the average of the weights, 0 for none

	optimizer optim.Optimizer // that check has made
}

// flags declares the flags of all optimizers: each setting once, as the table has them.
func (o *optimizing) flags(f *pflag.FlagSet) {
	o.given = map[string]string{}
	f.StringVar(&o.name, "optimizer", optim.Table[0].Name, "train with the optimizer of this `NAME`: "+strings.Join(optimizerNames(), ", "))
	declared := map[string]*strings.Builder{}
	var order []optim.Setting
	for _, kind := range optim.Table {
		for _, s := range tutorials(kind).Settings() {
			text := declared[s.Name]
			if text == nil {
				text = &strings.Builder{}
				declared[s.Name] = text
				order = append(order, s)
				fmt.Fprintf(text, "%s (%s %s", s.Usage, kind.Name, s)
				continue
			}
			fmt.Fprintf(text, ", %s %s", kind.Name, s)
		}
	}
	for _, s := range order {
		usage := declared[s.Name].String() + ")"
		if _, isBool := s.Value.(*bool); !isBool {
			usage = strings.Replace(usage, s.Usage, s.Usage+": `"+placeholder(s)+"`", 1)
		}
		flag := f.VarPF(&settingFlag{s, o.given}, dashed(s.Name), "", usage)
		if _, isBool := s.Value.(*bool); isBool {
			flag.NoOptDefVal = "true"
		}
	}
	f.Float64Var(&o.gamma, "lr-gamma", 1, "multiply the learning rate by this `FACTOR` after each epoch")
	f.StringVar(&o.schedule, "schedule", "", "let the learning rate follow this `SCHEDULE`: a name and settings such as \"StepLR step_size=5 gamma=0.5\"; of "+strings.Join(scheduleNames(), ", "))
	f.StringVar(&o.every, "schedule-step", "", "move along the schedule after every `WHAT`: epoch, or batch, which is usual for OneCycleLR")
	f.Float64Var(&o.ema, "ema", 0, "validate, test and save an average of the weights, of which so much stays after each step: `DECAY`, such as 0.999; 0 means the weights themselves")
}

func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }

func placeholder(s optim.Setting) string {
	if _, pair := s.Value.(*[2]float64); pair {
		return "A,B"
	}
	return "NUMBER"
}

func optimizerNames() (names []string) {
	for _, kind := range optim.Table {
		names = append(names, kind.Name)
	}
	return names
}

func scheduleNames() (names []string) {
	for _, kind := range optim.Schedules {
		names = append(names, kind.Name)
	}
	return names
}

// tutorials returns an optimizer as it is without flags: PyTorch's, but SGD with the
// tutorial's momentum.
func tutorials(kind optim.Kind) optim.Optimizer {
	optimizer := kind.New()
	if sgd, ok := optimizer.(*optim.SGD); ok {
		sgd.Momentum = 0.9
	}
	return optimizer
}

// settingFlag is the flag of a setting, of whichever optimizers have it.
type settingFlag struct {
	setting optim.Setting
	given   map[string]string
}

func (v *settingFlag) Set(text string) error {
	err := v.Check(text)
	if err == nil {
		v.given[v.setting.Name] = text
	}
	return err
}

// Check tells whether some optimizer could have the setting.
func (v *settingFlag) Check(text string) error {
	var err error
	switch v.setting.Value.(type) {
	case *float64: // numbers that are none are refused by the optimizer
		_, err = strconv.ParseFloat(text, 64)
	case *bool:
		_, err = strconv.ParseBool(text)
	default:
		if err = spare(v.setting.Name).Set(text); err != nil { // it says what it is called, as the flag's error does
			_, want, _ := strings.Cut(err.Error(), ", want ")
			err = errors.New("want " + want)
		}
	}
	return err
}

// spare returns a setting of that name that belongs to nobody, to try values on.
func spare(name string) optim.Setting {
	for _, kind := range optim.Table {
		if s := settingOf(kind.New(), name); s != nil {
			return *s
		}
	}
	panic("there is no setting " + name)
}

// String is what was given, if something was.
func (v *settingFlag) String() string { return v.given[v.setting.Name] }

func (v *settingFlag) Type() string {
	switch v.setting.Value.(type) {
	case *float64:
		return "float64"
	case *bool:
		return "bool"
	}
	return v.setting.Name
}

// settingOf returns the optimizer's setting of a name, nil if it has none.
func settingOf(optimizer optim.Optimizer, name string) *optim.Setting {
	settings := optimizer.Settings()
	if at := slices.IndexFunc(settings, func(s optim.Setting) bool { return s.Name == name }); at >= 0 {
		return &settings[at]
	}
	return nil
}

// check makes the optimizer, and refuses settings that it does not have, and such as
// make no sense.
func (o *optimizing) check() error {
	if o.optimizer == nil {
		kind, err := optim.Find(strings.ToLower(o.name))
		if err != nil {
			return usagef("--optimizer is %q, want one of %s", o.name, strings.Join(optimizerNames(), ", "))
		}
		o.optimizer = tutorials(kind)
		for name, text := range o.given {
			s := settingOf(o.optimizer, name)
			if s == nil {
				var has []string
				for _, s := range o.optimizer.Settings() {
					has = append(has, "--"+dashed(s.Name))
				}
				return usagef("--%s is no setting of %s, which has %s", dashed(name), kind.Class, strings.Join(has, ", "))
			}
			switch v := s.Value.(type) {
			case *float64:
				*v, _ = strconv.ParseFloat(text, 64)
			case *bool:
				*v, _ = strconv.ParseBool(text)
			default:
				if err := s.Set(text); err != nil {
					return usagef("--%s: %w", dashed(name), err)
				}
			}
		}
	}
	if err := o.optimizer.Check(); err != nil {
		return usagef("%s", strings.TrimPrefix(err.Error(), "optim: "))
	}
	if o.rate() == 0 {
		return usagef("--lr is 0, want more: without it nothing is learnt")
	}
	if !(o.gamma > 0 && o.gamma <= 1) {
		return usagef("--lr-gamma is %v, want a number above 0, and 1 at most", o.gamma)
	}
	if o.every != "" && (o.every != "batch" && o.every != "epoch" || o.schedule == "") {
		return usagef("--schedule-step is %q, want batch or epoch, and a --schedule", o.every)
	}
	if o.schedule != "" && o.gamma != 1 {
		return usagef("--lr-gamma is a schedule of its own, and there is --schedule, too: leave one out")
	}
	if !(o.ema >= 0 && o.ema < 1) {
		return usagef("--ema is %v, want 0 or more and less than 1, such as 0.999", o.ema)
	}
	_, _, err := o.scheduled(1, 1)
	return err
}

// scheduled returns the schedule for a training of so many epochs of batches, nil if
// there is none, and whether its steps are batches. What its settings leave open is what
// suits the training: the length its own, the highest rate that of --lr.
func (o *optimizing) scheduled(epochs, batches int) (s optim.Schedule, perBatch bool, err error) {
	if o.schedule == "" {
		if o.gamma == 1 || o.gamma == 0 {
			return nil, false, nil
		}
		return &optim.ExponentialLR{Gamma: o.gamma}, false, nil
	}
	name, settings, _ := strings.Cut(strings.TrimSpace(o.schedule), " ")
	at := slices.IndexFunc(optim.Schedules, func(k optim.ScheduleKind) bool { return strings.EqualFold(k.Name, name) })
	if at < 0 {
		return nil, false, usagef("--schedule is %q, want one of %s, and settings behind it such as gamma=0.5", o.schedule, strings.Join(scheduleNames(), ", "))
	}
	s = optim.Schedules[at].New()
	if err := optim.SetAll(s.Settings(), settings); err != nil {
		return nil, false, usagef("--schedule %s: %w", optim.Schedules[at].Name, err)
	}
	cycle, isCycle := s.(*optim.OneCycleLR)
	if isCycle && cycle.MaxLR == 0 {
		cycle.MaxLR = o.rate()
	}
	perBatch = o.every == "batch" || o.every == "" && isCycle
	steps := epochs
	if perBatch {
		steps *= batches
	}
	optim.SetLength(s, steps)
	if _, err := optim.NewScheduler(o.optimizer, s); err != nil {
		return nil, false, usagef("--schedule: %s", strings.TrimPrefix(err.Error(), "optim: "))
	}
	return s, perBatch, nil
}

// settle takes the optimizer's settings as given, those, too, that were left at what it has by
// default: a file that keeps them says all, and starts the same training when a default has changed.
func (o *optimizing) settle() {
	for _, s := range o.optimizer.Settings() {
		o.given[s.Name] = s.String()
	}
}

// rate is the learning rate.
func (o *optimizing) rate() float64 { return rateOf(o.optimizer) }

// class is what PyTorch calls the optimizer.
func (o *optimizing) class() string { return reflect.TypeOf(o.optimizer).Elem().Name() }

// String tells of the optimizer in a line, of SGD what the tutorial has of it.
func (o *optimizing) String() string {
	var parts []string
	usual := map[string]string{}
	sgd, isSGD := o.optimizer.(*optim.SGD)
	if isSGD {
		parts = append(parts, fmt.Sprintf("learning rate %v", sgd.LR), fmt.Sprintf("momentum %v", sgd.Momentum))
		for _, s := range (&optim.SGD{LR: sgd.LR, Momentum: sgd.Momentum}).Settings() {
			usual[s.Name] = s.String()
		}
	} else {
		parts = append(parts, o.class())
	}
	for _, s := range o.optimizer.Settings() {
		if s.String() != usual[s.Name] {
			parts = append(parts, strings.ReplaceAll(s.Name, "_", " ")+" "+s.String())
		}
	}
	if o.schedule != "" {
		parts = append(parts, "schedule "+o.schedule)
	}
	if o.ema != 0 {
		parts = append(parts, fmt.Sprintf("average of the weights %v", o.ema))
	}
	return strings.Join(parts, ", ")
}

// note makes the settings part of metadata, under PyTorch's names.
func (o *optimizing) note(set func(key, value string)) {
	set("optimizer", o.class())
	for _, s := range o.optimizer.Settings() {
		set(s.Name, s.String())
	}
	if o.ema != 0 {
		set("ema", strconv.FormatFloat(o.ema, 'g', -1, 64))
	}
	if o.schedule != "" {
		set("schedule", o.schedule)
		if o.every != "" {
			set("schedule_step", o.every)
		}
		return
	}
	set("lr_gamma", strconv.FormatFloat(o.gamma, 'g', -1, 64))
}

// report adds the settings to an event for programs.
func (o *optimizing) report(event map[string]any) {
	event["optimizer"] = o.class()
	for _, s := range o.optimizer.Settings() {
		event[s.Name] = reflect.ValueOf(s.Value).Elem().Interface()
	}
	if o.ema != 0 {
		event["ema"] = o.ema
	}
	if o.schedule != "" {
		event["schedule"] = o.schedule
	}
}
