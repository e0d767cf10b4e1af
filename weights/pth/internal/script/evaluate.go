package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An evaluator reads the text of a function and follows it on the way.
type evaluator struct {
	*machine
	text   string
	at     int
	locals map[string]any
	nested int // brackets
}

// damaged is the error for text that is no program, or of a kind not known here.
func (e *evaluator) damaged() error {
	line, _, _ := strings.Cut(e.text[min(e.at, len(e.text)):], "\n")
	return fmt.Errorf("its program has %q where something else is wanted", short(line))
}

// The parts of the text.

func (e *evaluator) spaces() {
	for e.at < len(e.text) && (e.text[e.at] == ' ' || e.nested > 0 && e.text[e.at] == '\n') {
		e.at++
	}
}

// accept takes some text, if it comes next.
func (e *evaluator) accept(text string) bool {
	e.spaces()
	if strings.HasPrefix(e.text[e.at:], text) {
		e.at += len(text)
		return true
	}
	return false
}

func letter(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// name takes a name, which is empty if none comes next.
func (e *evaluator) name() string {
	for e.at < len(e.text) && (e.text[e.at] == ' ' || e.text[e.at] == '\n') {
		e.at++
	}
	from := e.at
	for e.at < len(e.text) && letter(e.text[e.at]) {
		e.at++
	}
	if from < e.at && '0' <= e.text[from] && e.text[from] <= '9' {
		e.at = from
	}
	return e.text[from:e.at]
}

// skipType passes over the name of a type.
func (e *evaluator) skipType() {
	depth := 0
	for ; e.at < len(e.text); e.at++ {
		switch c := e.text[e.at]; {
		case c == '[' || c == '(':
			depth++
		case depth > 0 && (c == ']' || c == ')'):
			depth--
		case depth == 0 && (c == ',' || c == '=' || c == ')' || c == ':' || c == ']'):
			return
		}
	}
}

func (e *evaluator) endLine() {
	if i := strings.IndexByte(e.text[e.at:], '\n'); i >= 0 {
		e.at += i + 1
	} else {
		e.at = len(e.text)
	}
}

// indentation is how many spaces the next line begins with, which is not empty; it is
// -1 at the end.
func (e *evaluator) indentation() int {
	for e.at < len(e.text) && e.text[e.at] == '\n' {
		e.at++
	}
	n := 0
	for e.at+n < len(e.text) && e.text[e.at+n] == ' ' {
		n++
	}
	if e.at+n >= len(e.text) {
		return -1
	}
	return n
}

// block follows the lines of an indentation, until a return.
func (e *evaluator) block(indentation int) (returned bool, value any, err error) {
	for e.indentation() == indentation && indentation > 0 {
		if err := e.spend(stepCost); err != nil {
			return false, nil, err
		}
		if returned, value, err = e.statement(indentation); returned || err != nil {
			return returned, value, err
		}
	}
	if e.indentation() > indentation {
		return false, nil, e.damaged()
	}
	return false, nil, nil
}

// skip passes over a block.
func (e *evaluator) skip(outside int) {
	from := e.at
	for e.indentation() > outside {
		e.endLine()
	}
	e.Work((e.at - from) / 16)
}

func (e *evaluator) statement(indentation int) (returned bool, value any, err error) {
	e.at += indentation
	from := e.at
	switch first := e.name(); first {
	case "return":
		if value, err = e.value(); err == nil && !e.lineEnds() {
			err = e.damaged()
		}
		return true, value, err
	case "pass":
		e.endLine()
		return false, nil, nil
	case "if":
		return e.decide(indentation)
	case "for", "while":
		return false, nil, errors.New("its program has a loop")
	case "":
	default:
		names := []string{first}
		for e.accept(",") {
			e.spaces()
			name := e.name()
			if name == "" {
				break
			}
			names = append(names, name)
		}
		if e.accept("=") {
			if value, err = e.value(); err == nil && !e.lineEnds() {
				err = e.damaged()
			}
			if err != nil {
				return false, nil, err
			}
			e.endLine()
			if len(names) == 1 && e.text[from+len(first)] != ',' {
				e.locals[first] = value
				return false, nil, nil
			}
			list, ok := value.([]any)
			if !ok || len(list) != len(names) {
				return false, nil, fmt.Errorf("its program takes %d values out of %s", len(names), describe(value))
			}
			for i, name := range names {
				e.locals[name] = list[i]
			}
			return false, nil, nil
		}
	}
	e.at = from
	if _, err = e.value(); err != nil {
		return false, nil, err
	}
	if !e.lineEnds() {
		return false, nil, e.damaged()
	}
	e.endLine()
	return false, nil, nil
}

func (e *evaluator) lineEnds() bool {
	e.spaces()
	return e.at >= len(e.text) || e.text[e.at] == '\n'
}

// decide follows that branch which is known to be the one.
func (e *evaluator) decide(indentation int) (returned bool, value any, err error) {
	condition, err := e.value()
	if err != nil {
		return false, nil, err
	}
	truth, known := condition.(bool)
	if !known {
		return false, nil, fmt.Errorf("its program decides by %s", describe(condition))
	}
	e.endLine()
	for _, taken := range []bool{truth, !truth} {
		if taken {
			if e.indentation() <= indentation {
				return false, nil, e.damaged()
			}
			if returned, value, err = e.block(e.indentation()); returned || err != nil {
				return returned, value, err
			}
		} else {
			e.skip(indentation)
		}
		// The other branch may be missing.
		if e.indentation() != indentation || !strings.HasPrefix(e.text[e.at+indentation:], "else:") {
			break
		}
		e.endLine()
	}
	return false, nil, nil
}

// value evaluates an expression.
func (e *evaluator) value() (any, error) {
	if e.nested++; e.nested > maxNesting {
		return nil, errors.New("its program has too many brackets inside of each other")
	}
	defer func() { e.nested-- }()
	if err := e.spend(stepCost); err != nil {
		return nil, err
	}
	v, err := e.operand()
	for err == nil {
		switch {
		case e.next('.'):
			name := e.name()
			if name == "" {
				return nil, e.damaged()
			}
			v, err = e.attribute(v, name)
		case e.next('('):
			v, err = e.calls(v)
		case e.next('['):
			v, err = e.subscript(v)
		default:
			return v, nil
		}
	}
	return nil, err
}

// next takes a character that follows at once.
func (e *evaluator) next(c byte) bool {
	if e.at < len(e.text) && e.text[e.at] == c {
		e.at++
		return true
	}
	return false
}

func (e *evaluator) operand() (any, error) {
	for e.at < len(e.text) && e.text[e.at] == ' ' {
		e.at++
	}
	if e.at >= len(e.text) {
		return nil, e.damaged()
	}
	switch c := e.text[e.at]; {
	case c == '(':
		e.at++
		list, comma, err := e.list(')')
		if err != nil || comma || len(list) != 1 {
			return list, err
		}
		return list[0], nil
	case c == '[':
		e.at++
		list, _, err := e.list(']')
		return list, err
	case c == '"' || c == '\'':
		return e.quoted(c)
	case c == '-' || '0' <= c && c <= '9':
		return e.number()
	}
	name := e.name()
	switch name {
	case "":
		return nil, e.damaged()
	case "None":
		return nil, nil
	case "True", "False":
		return name == "True", nil
	case "annotate", "unchecked_cast", "uninitialized":
		if !e.next('(') {
			return nil, e.damaged()
		}
		e.skipType()
		if name == "uninitialized" {
			return nil, e.closed()
		}
		if !e.accept(",") {
			return nil, e.damaged()
		}
		v, err := e.value()
		if err == nil {
			err = e.closed()
		}
		return v, err
	}
	if v, ok := e.locals[name]; ok {
		return v, nil
	}
	return global(name), nil
}

func (e *evaluator) closed() error {
	if !e.accept(")") {
		return e.damaged()
	}
	return nil
}

// list evaluates what stands in brackets up to the closing one, and tells whether a
// comma was among it.
func (e *evaluator) list(closing byte) (list []any, comma bool, err error) {
	list = []any{}
	for {
		for e.at < len(e.text) && (e.text[e.at] == ' ' || e.text[e.at] == '\n') {
			e.at++
		}
		if e.next(closing) {
			return list, comma, nil
		}
		if len(list) > 0 && !comma {
			return nil, false, e.damaged()
		}
		v, err := e.value()
		if err != nil {
			return nil, false, err
		}
		list = append(list, v)
		if e.accept(",") {
			comma = true
		} else if e.spaces(); e.at >= len(e.text) || e.text[e.at] != closing {
			return nil, false, e.damaged()
		}
	}
}

func (e *evaluator) quoted(quote byte) (any, error) {
	from := e.at
	for e.at++; e.at < len(e.text) && e.text[e.at] != quote && e.text[e.at] != '\n'; e.at++ {
		if e.text[e.at] == '\\' {
			e.at++
		}
	}
	if e.at >= len(e.text) || e.text[e.at] != quote {
		return nil, e.damaged()
	}
	e.at++
	e.Work(e.at - from)
	return e.text[from+1 : e.at-1], nil
}

func (e *evaluator) number() (any, error) {
	from := e.at
	for e.at < len(e.text) && (letter(e.text[e.at]) || e.text[e.at] == '.' || strings.IndexByte("-+", e.text[e.at]) >= 0 && (e.at == from || e.text[e.at-1] == 'e')) {
		e.at++
	}
	text := e.text[from:e.at]
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > 40 {
		e.at = from
		return nil, e.damaged()
	}
	return v, nil
}

func (e *evaluator) subscript(of any) (any, error) {
	list, _, err := e.list(']')
	if err != nil {
		return nil, err
	}
	values, isList := of.([]any)
	if len(list) != 1 || !isList {
		return nil, fmt.Errorf("its program takes an element out of %s", describe(of))
	}
	i, isInt := list[0].(int64)
	if i < 0 {
		i += int64(len(values))
	}
	if !isInt || i < 0 || i >= int64(len(values)) {
		return nil, fmt.Errorf("its program takes element %s out of %d", describe(list[0]), len(values))
	}
	return values[i], nil
}

// calls evaluates the arguments of a call, and calls.
func (e *evaluator) calls(what any) (any, error) {
	var arguments []any
	var named map[string]any
	for !e.accept(")") {
		e.spaces()
		from := e.at
		name := e.name()
		if name != "" && e.next('=') && !e.next('=') {
			v, err := e.value()
			if err != nil {
				return nil, err
			}
			if named == nil {
				named = map[string]any{}
			}
			named[name] = v
		} else {
			e.at = from
			v, err := e.value()
			if err != nil {
				return nil, err
			}
			arguments = append(arguments, v)
		}
		if !e.accept(",") && !(e.at < len(e.text) && e.text[e.at] == ')') {
			return nil, e.damaged()
		}
	}
	switch what := what.(type) {
	case method:
		return e.callMethod(what.object, what.name, arguments, named)
	case global:
		if name := string(what); strings.HasPrefix(name, "__torch__.") {
			return e.callFunction(name, arguments, named)
		}
		return e.operation(string(what), arguments, named)
	}
	return nil, fmt.Errorf("its program calls %s", describe(what))
}
