package models

import (
	"strings"
	"testing"

	"inkling/nn"
)

// otherValue is one that an option can have and usually has not.
func otherValue(o Option) string {
	for _, word := range append([]string{"0.6", "24", "small", "large"}, o.Words...) {
		if value, err := o.parse(word); err == nil && value != o.Usual && value != "small" {
			return value
		}
	}
	return ""
}

// TestOptions has every option of every model change what a training computes, and stand
// in the model's name, by which the same network is found again.
func TestOptions(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	loss := func(m Model) float64 {
		c := tinyConfig(m.Name)
		if name, _, _ := strings.Cut(m.Name, " "); tiny[name] > 0 {
			c.Height, c.Width = tiny[name], tiny[name]
		}
		net, err := m.NewModel(c, 1)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		p, err := nn.CompileTrain(net, nn.CrossEntropy{}, plainSGD{}, 4, c.Channels, c.Height, c.Width)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		pictures, labels := tinyPictures(c, 4)
		return p.Step(pictures, labels)
	}
	for _, m := range Zoo() {
		if len(m.Options) == 0 || large[m.Name] {
			continue
		}
		usual := loss(m)
		for _, o := range m.Options {
			if o.Name == apart.Name {
				continue // of networks with a tally; TestApart looks at it
			}
			if o.Usage == "" {
				t.Errorf("%s: %s lacks its usage", m.Name, o.Name)
			}
			value := otherValue(o)
			other, err := FindModel(strings.ToUpper(m.Name + "  " + o.Name + "=" + value))
			if err != nil {
				t.Fatal(err)
			}
			if want := m.Name + " " + o.Name + "=" + value; other.Name != want {
				t.Errorf("%s is called %q, want %q", m.Name, other.Name, want)
			}
			if got := loss(other); got == usual {
				t.Errorf("%s: %s=%s changes nothing: the loss is %v", m.Name, o.Name, value, got)
			}
			if same, err := FindModel(m.Name + " " + o.String()); err != nil || same.Name != m.Name {
				t.Errorf("%s with its usual %s is %q, %v", m.Name, o, same.Name, err)
			}
		}
	}
	m, err := FindModel("mobilenet_v2 stem=small width_mult=.5 dropout=0")
	if err != nil || m.Name != "mobilenet_v2 dropout=0 width_mult=0.5 stem=small" {
		t.Errorf("options in another order: %q, %v", m.Name, err)
	}
}

// TestOptionsRefused names the model, the option and what there is.
func TestOptionsRefused(t *testing.T) {
	for name, want := range map[string]string{
		"LeNet dropout=0.5":            `LeNet has no options, but "dropout=0.5" stands behind its name`,
		"smallvgg width_mult=2":        `smallvgg has no option "width_mult"; it has dropout`,
		"smallvgg dropout":             "the option dropout of smallvgg has no value; write dropout=0.5",
		"smallvgg dropout=1":           `an option of smallvgg: dropout is "1", want a number from 0 to below 1`,
		"smallvgg dropout=NaN":         `dropout is "nan", want a number from 0 to below 1`,
		"smallvgg dropout=0 dropout=0": "the option dropout of smallvgg is given twice",
		"resnet18 stem=tiny":           `an option of resnet18: stem is "tiny", want auto, small, large`,
		"mobilenet_v2 width_mult=1e9":  "width_mult is \"1e9\", want a number from 0.1 to below",
	} {
		if _, err := FindModel(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", name, err, want)
		}
	}
}
