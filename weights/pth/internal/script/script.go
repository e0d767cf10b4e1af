// Package script tells what a TorchScript program (torch.jit.save) computes, by
// following its code: the source that lies in the file, a small and regular part of
// Python. Nothing is run but that: calls of the program's own functions, decisions
// by what is known without a picture, and the operations of layers, which become a
// description. All else is an obstacle, which is named.
package script

import (
	"errors"
	"fmt"
	"strings"

	"inkling/weights/structure"
)

// A Program is the code of a file.
type Program struct {
	// Source returns the text of a file by its path in the folder code, such as
	// "__torch__/torch/nn/modules/conv.py", and whether there is one.
	Source func(path string) (text string, ok bool)
	// Constants are the values that the code calls CONSTANTS.c0, CONSTANTS.c1, ...
	Constants []any
	// Spend takes memory in bytes, and Work steps of work, from what the file may
	// take; Spend reports whether there is any left of both.
	Spend func(bytes int) bool
	Work  func(steps int)
}

// An Object is a module of the program. Values are nil, bool, int64, float64, string,
// []any, Object and *Tensor.
type Object interface {
	// Class is the full name of the module's class: "__torch__.Net".
	Class() string
	// Name is what leads to the module from the outermost one: "features.0".
	Name() string
	// Attribute returns the value of an attribute, and whether there is one.
	Attribute(name string) (value any, ok bool)
}

// A Tensor is a parameter, a buffer or a constant.
type Tensor struct {
	Name  string
	Shape []int
	// Numbers returns its elements, which are few.
	Numbers func() []float64
}

// The limits of what is followed.
const (
	maxCalls   = 60  // inside of each other
	maxNesting = 60  // brackets inside of each other
	callCost   = 600 // of memory, for its variables
	stepCost   = 48  // of a value
	layerCost  = 2000
)

// Describe tells what the module computes of pictures. What is no chain of layers is
// the description's Obstacle; its layers are those before that.
func Describe(p *Program, module Object) *structure.Network {
	m := &machine{Program: p, network: &structure.Network{}}
	result, err := m.callMethod(module, "forward", []any{activation{0, 4}}, nil)
	if err == nil {
		if a, ok := result.(activation); !ok {
			err = errors.New("the program does not return one tensor")
		} else {
			err = m.newest(a, "the program returns")
		}
	}
	if err != nil {
		m.network.Obstacle = err.Error()
	}
	return m.network
}

// A machine follows a program.
type machine struct {
	*Program
	network *structure.Network
	latest  int      // the number of the newest activation
	depth   int      // of calls
	modules []string // those whose code is followed, by name
	count   int      // of operations
}

// What a program's values may be besides those of Object.
type (
	// An activation is what the network has computed so far; numbers are known of
	// none, and of sizes only how many there are.
	activation struct{ number, rank int }
	// A size is that of a dimension of an activation.
	size struct{ batch bool }
	// A global is what the program does not define as a variable: torch.conv2d.
	global string
	// A method is that of a module.
	method struct {
		object Object
		name   string
	}
)

func (m *machine) spend(bytes int) error {
	if m.Work(1); !m.Spend(bytes) {
		return errors.New("its program is too long for a file of its size")
	}
	return nil
}

// newest refuses an activation that is not the newest one, since then the program is
// no chain.
func (m *machine) newest(a activation, who string) error {
	if a.number != m.latest {
		return fmt.Errorf("%s what an earlier operation computed, so that branches join", who)
	}
	return nil
}

// fileOf is where a class or function is defined, by its full name, and its own name.
func fileOf(full string) (path, name string) {
	at := strings.LastIndexByte(full, '.')
	if at < 0 {
		return "", full
	}
	return strings.ReplaceAll(full[:at], ".", "/") + ".py", full[at+1:]
}

// callMethod calls a method of a module.
func (m *machine) callMethod(o Object, name string, arguments []any, named map[string]any) (any, error) {
	body, err := m.classBody(o.Class())
	if err != nil {
		return nil, err
	}
	at := definition(body, "  def "+name+"(")
	if at < 0 {
		return nil, fmt.Errorf("the program has no code for %s of the class %s", short(name), short(o.Class()))
	}
	m.modules = append(m.modules, o.Name())
	defer func() { m.modules = m.modules[:len(m.modules)-1] }()
	return m.call(body[at+len("  def "+name+"("):], append([]any{o}, arguments...), named)
}

// classBody returns the text of a class.
func (m *machine) classBody(class string) (string, error) {
	path, name := fileOf(class)
	text, ok := m.Source(path)
	m.Work(len(text) / 16)
	at := definition(text, "class "+name+"(")
	if !ok || at < 0 {
		return "", fmt.Errorf("the program has no code for the class %s", short(class))
	}
	body := text[at:]
	// It ends where a line begins without spaces.
	for i := strings.IndexByte(body, '\n'); i >= 0 && i+1 < len(body); {
		if c := body[i+1]; c != ' ' && c != '\n' {
			return body[:i+1], nil
		}
		next := strings.IndexByte(body[i+1:], '\n')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return body, nil
}

// definition is where a line begins with some text, -1 if none does.
func definition(text, start string) int {
	if strings.HasPrefix(text, start) {
		return 0
	}
	if at := strings.Index(text, "\n"+start); at >= 0 {
		return at + 1
	}
	return -1
}

// callFunction calls a function of the program by its full name.
func (m *machine) callFunction(full string, arguments []any, named map[string]any) (any, error) {
	path, name := fileOf(full)
	text, _ := m.Source(path)
	m.Work(len(text) / 16)
	at := definition(text, "def "+name+"(")
	if at < 0 {
		return nil, fmt.Errorf("the program has no code for %s", short(full))
	}
	return m.call(text[at+len("def "+name+"("):], arguments, named)
}

// attribute is what a value has under a name.
func (m *machine) attribute(value any, name string) (any, error) {
	switch value := value.(type) {
	case global:
		if value == "CONSTANTS" {
			return m.constant(name)
		}
		return value + global("."+name), nil
	case Object:
		if name == "training" {
			return false, nil // a network that is opened is not trained
		}
		if v, ok := value.Attribute(name); ok {
			return v, nil
		}
		body, err := m.classBody(value.Class())
		if err != nil {
			return nil, err
		}
		if at := definition(body, "  "+name+" : "); at >= 0 {
			line, _, _ := strings.Cut(body[at:], "\n")
			if strings.HasSuffix(line, " : NoneType") {
				return nil, nil
			}
			if _, text, ok := strings.Cut(line, " = "); ok {
				e := &evaluator{machine: m, text: text}
				return e.value()
			}
		}
		return method{value, name}, nil
	}
	return nil, fmt.Errorf("the program asks for .%s of %s", short(name), describe(value))
}

// call calls a function whose text begins behind the bracket of its parameters.
func (m *machine) call(text string, arguments []any, named map[string]any) (any, error) {
	if m.depth++; m.depth > maxCalls {
		return nil, fmt.Errorf("the program's calls are nested more than %d deep", maxCalls)
	}
	defer func() { m.depth-- }()
	if err := m.spend(callCost); err != nil {
		return nil, err
	}
	e := &evaluator{machine: m, text: text, locals: map[string]any{}}
	for i := 0; !e.accept(")"); i++ {
		name := e.name()
		if name == "" {
			return nil, e.damaged()
		}
		if e.accept(":") {
			e.skipType()
		}
		var value any
		given := true
		if i < len(arguments) {
			value = arguments[i]
		} else {
			value, given = named[name]
		}
		if e.accept("=") {
			otherwise, err := e.value()
			if err != nil {
				return nil, err
			}
			if !given {
				value, given = otherwise, true
			}
		}
		if !given {
			return nil, fmt.Errorf("the program wants a value for %s, which nothing gives", short(name))
		}
		e.locals[name] = value
		e.accept(",")
	}
	if e.accept("->") {
		e.skipType()
	}
	if !e.accept(":") {
		return nil, e.damaged()
	}
	e.endLine()
	_, value, err := e.block(e.indentation())
	return value, err
}

// short is text for a message.
func short(text string) string {
	const most = 60
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// describe names a value in a message.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "None"
	case global:
		return short(string(value))
	case Object:
		return "a module of the class " + short(value.Class())
	case *Tensor:
		return "the tensor " + short(value.Name)
	case activation:
		return "what an operation computed"
	case size:
		return "the size of what an operation computed"
	case method:
		return "the method " + short(value.name)
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return short(fmt.Sprint(value))
}
