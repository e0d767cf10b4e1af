package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inkling/internal/kernel"
)

// A build is what Go recorded when it built the program.
type build struct {
	module   string // the version of the module, empty in a checkout
	commit   string // empty if it was not recorded
	date     string // of the commit
	modified bool   // files had changes that were not committed
}

func readBuild(info *debug.BuildInfo) build {
	var b build
	if v := info.Main.Version; v != "(devel)" {
		b.module = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.time":
			b.date = s.Value
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
				b.date = t.UTC().Format("2006-01-02 15:04 MST")
			}
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	return b
}

// name is the version in a word or two: that of the module, or the commit.
func (b build) name() string {
	if b.module != "" {
		return b.module
	}
	name := "development"
	if b.commit != "" {
		name += " " + b.commit[:min(12, len(b.commit))]
	}
	if b.modified {
		name += ", modified"
	}
	return name
}

// describe is the commit with its date.
func (b build) describe() string {
	if b.commit == "" {
		return "commit not recorded: built outside a git checkout, or with -buildvcs=false"
	}
	words := []string{"commit " + b.commit}
	if b.date != "" {
		words = append(words, "of "+b.date)
	}
	text := strings.Join(words, " ")
	if b.modified {
		text += ", with changes that were not committed"
	}
	return text
}

// version is the version in a word or two, as models note it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return readBuild(info).name()
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and what it was built for",
		Long:    "Print the version, the commit it was built from and its date, the Go release and the\nsystem it was built with, and which kernels this processor runs. The environment\nvariable INKLING_KERNELS chooses others: go (no assembly), avx2, avx512 or neon.",
		Example: "  inkling version",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var b build
			if info, ok := debug.ReadBuildInfo(); ok {
				b = readBuild(info)
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "inkling %s\n%s\n%s %s/%s, kernels: %s\n",
				b.name(), b.describe(), runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel.Implementation())
			return err
		},
	}
}
