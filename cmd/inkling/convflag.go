package main

import (
	"github.com/spf13/pflag"

	"inkling/nn"
)

// convFlag is the flag for the algorithms of convolutions.
type convFlag struct{ to *nn.Convolutions }

func (f convFlag) String() string {
	if f.to == nil { // as pflag asks of the zero value
		return ""
	}
	return f.to.String()
}

func (f convFlag) Set(name string) (err error) {
	*f.to, err = nn.ParseConvolutions(name)
	return err
}

func (convFlag) Type() string { return "string" }

// addConvFlag declares --conv, with what it is by default.
func addConvFlag(f *pflag.FlagSet, to *nn.Convolutions, usual nn.Convolutions) {
	*to = usual
	f.Var(convFlag{to}, "conv", "compute convolutions by `WAY`: exact, or fast, which lets 3x3 ones multiply less and round a little more where that is faster")
}
