// Package flagfile keeps a command's flags in a YAML file: one key a flag, so
// that a file says all that a run was asked for, and can start another like it.
package flagfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"
)

// mostBytes is how large a file may be.
const mostBytes = 1 << 20

// Write writes the flags that keep accepts with their present values, in the
// order of the flag set, each under a comment that says what it is for.
func Write(w io.Writer, flags *pflag.FlagSet, keep func(*pflag.Flag) bool) error {
	var text strings.Builder
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if err != nil || !keep(f) {
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		value, failed := encoded(f.Value)
		if failed != nil {
			err = fmt.Errorf("--%s cannot be written: %w", f.Name, failed)
			return
		}
		fmt.Fprintf(&text, "# %s\n%s: %s\n", strings.ReplaceAll(usage, "\n", " "), f.Name, value)
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text.String())
	return err
}

// encoded is a flag's value as YAML, in one line.
func encoded(v pflag.Value) (string, error) {
	if list, ok := v.(pflag.SliceValue); ok {
		var quoted []string
		for _, s := range list.GetSlice() {
			quoted = append(quoted, strconv.Quote(s))
		}
		return "[" + strings.Join(quoted, ", ") + "]", nil
	}
	switch v.Type() {
	case "string":
		return strconv.Quote(v.String()), nil
	case "int", "int64", "uint", "uint64", "float64", "bool":
		return v.String(), nil
	}
	text, err := yaml.Marshal(v.String())
	return strings.TrimSpace(string(text)), err
}

// Error is a fault in a file, with its place.
type Error struct {
	Path         string
	Line, Column int // from 1, 0 if the whole file is meant
	Reason       string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Path + ": " + e.Reason
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Reason)
}

// Apply sets flags to what a file says, but for those that were given on the
// command line: these win. Only flags that accept says yes to may be in the file.
// The error is an *Error if the file is at fault; nothing is set then.
func Apply(path string, flags *pflag.FlagSet, accept func(*pflag.Flag) bool) error {
	text, err := read(path)
	if err != nil {
		return err
	}
	return ApplyText(path, text, flags, accept)
}

// ApplyText is Apply of a file's text; path stands for it in errors.
func ApplyText(path string, text []byte, flags *pflag.FlagSet, accept func(*pflag.Flag) bool) error {
	pairs, err := parse(path, text)
	if err != nil {
		return err
	}
	type setting struct {
		flag   *pflag.Flag
		values []string
	}
	var settings []setting
	seen := map[string]bool{}
	for _, p := range pairs {
		f := flags.Lookup(p.key)
		switch {
		case f == nil || !accept(f):
			return p.fault(path, "there is no setting %q; there are %s", p.key, names(flags, accept))
		case seen[p.key]:
			return p.fault(path, "%q is set twice", p.key)
		}
		seen[p.key] = true
		if err := try(f, p.values); err != nil {
			return p.fault(path, "%q cannot be %s: %v", p.key, strings.Join(p.values, ", "), err)
		}
		settings = append(settings, setting{f, p.values})
	}
	for _, s := range settings {
		if s.flag.Changed {
			continue
		}
		if err := set(s.flag, s.values); err != nil {
			return fmt.Errorf("%s: %s: %w", path, s.flag.Name, err)
		}
	}
	return nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if len(text) > mostBytes {
		return nil, &Error{Path: path, Reason: fmt.Sprintf("it is larger than %d bytes, and so no file of settings", mostBytes)}
	}
	return text, nil
}

// pair is one line of a file.
type pair struct {
	key          string
	values       []string
	line, column int
}

func (p *pair) fault(path, format string, args ...any) error {
	return &Error{path, p.line, p.column, fmt.Sprintf(format, args...)}
}

// parse reads a mapping of names to scalars or lists of scalars.
func parse(path string, text []byte) ([]pair, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, SyntaxError(path, err)
	}
	var pairs []pair
	for _, document := range file.Docs {
		var list []*ast.MappingValueNode
		switch body := document.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
			continue
		case *ast.MappingNode:
			list = body.Values
		case *ast.MappingValueNode:
			list = []*ast.MappingValueNode{body}
		default:
			at := body.GetToken().Position
			return nil, &Error{path, at.Line, at.Column, "there must be lines of the form name: value"}
		}
		for _, node := range list {
			at := node.Key.GetToken().Position
			p := pair{key: node.Key.GetToken().Value, line: at.Line, column: at.Column}
			if p.values, err = scalars(node.Value); err != nil {
				return nil, p.fault(path, "%q: %v", p.key, err)
			}
			pairs = append(pairs, p)
		}
	}
	return pairs, nil
}

// SyntaxError is an error of the parser in one sentence.
func SyntaxError(path string, err error) error {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
		return &Error{path, syntax.Token.Position.Line, syntax.Token.Position.Column, syntax.Message}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return &Error{Path: path, Reason: first}
}

func scalars(node ast.Node) ([]string, error) {
	switch n := node.(type) {
	case *ast.SequenceNode:
		values := []string{}
		for _, element := range n.Values {
			one, err := scalars(element)
			if _, nested := element.(*ast.SequenceNode); nested || err != nil {
				return nil, errors.New("a list must be of single values")
			}
			values = append(values, one[0])
		}
		return values, nil
	case *ast.StringNode:
		return []string{n.Value}, nil
	case *ast.LiteralNode:
		return []string{n.Value.Value}, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return []string{node.GetToken().Value}, nil
	}
	return nil, errors.New("its value must be a text, a number, true, false or a list of these")
}

// Settings returns the keys of a file's text with their values, in their order.
func Settings(path string, text []byte) (keys []string, values map[string]string, err error) {
	pairs, err := parse(path, text)
	values = map[string]string{}
	for _, p := range pairs {
		keys, values[p.key] = append(keys, p.key), strings.Join(p.values, " ")
	}
	return keys, values, err
}

// Checker is a flag's value that can tell whether a text would do, for those that
// cannot be set back to what they were at first.
type Checker interface{ Check(text string) error }

// try tells whether a flag could be set to values, and leaves it as it was.
func try(f *pflag.Flag, values []string) error {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		before := slices.Clone(list.GetSlice())
		err := list.Replace(values)
		return errors.Join(err, list.Replace(before))
	}
	if len(values) != 1 {
		return errors.New("it is one value, not a list")
	}
	if c, ok := f.Value.(Checker); ok {
		return c.Check(values[0])
	}
	before := f.Value.String()
	if err := f.Value.Set(values[0]); err != nil {
		return err
	}
	return f.Value.Set(before)
}

func set(f *pflag.Flag, values []string) error {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.Replace(values)
	}
	return f.Value.Set(values[0])
}

func names(flags *pflag.FlagSet, accept func(*pflag.Flag) bool) string {
	var list []string
	flags.VisitAll(func(f *pflag.Flag) {
		if accept(f) {
			list = append(list, f.Name)
		}
	})
	return strings.Join(list, ", ")
}
