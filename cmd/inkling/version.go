package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"inkling/internal/kernel"
)

// version is the version that Go recorded when it built the program: that of
// the module, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", modified"
		}
	}
	return "development" + revision + modified
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and what it was built for",
		Long:    "Print the version, the Go release and system it was built with, and which kernels this processor runs.",
		Example: "  inkling version",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "inkling %s\n%s %s/%s, kernels: %s\n",
				version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel.Implementation())
			return err
		},
	}
}
