package main

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEveryFlagIsCompleted wants flags that take text to be in flagCompletions: so
// a shell offers what they take, or nothing rather than the files of the folder.
func TestEveryFlagIsCompleted(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Name == "version" || f.Value.Type() == "bool" {
				return
			}
			if _, ok := c.GetFlagCompletionFunc(f.Name); !ok {
				t.Errorf("%s --%s: say in flagCompletions (completion.go) what a shell offers for it", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(newRoot())

	root := newRoot()
	names := map[string]bool{}
	visit = func(c *cobra.Command) {
		names[c.Name()] = true
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { names[f.Name], names[c.Name()+" "+f.Name] = true, true })
		if c.HasParent() {
			names[c.Parent().Name()+" "+c.Name()] = true
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	for _, table := range []map[string]cobra.CompletionFunc{flagCompletions, argumentCompletions} {
		for name := range table {
			if !names[name] {
				t.Errorf("a table of completions has %q, which is no flag or command", name)
			}
		}
	}
}
