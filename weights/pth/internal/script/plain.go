package script

import (
	"fmt"
	"strconv"
	"strings"
)

// ConstantPrefix begins the names of tensors among the program's constants.
const ConstantPrefix = "constants."

// plain follows what computes with numbers, texts and truths alone, and reports
// whether the function is of that kind.
func (m *machine) plain(name string, in []any) (result any, ok bool, err error) {
	switch name {
	case "getattr":
		if len(in) == 2 {
			if attribute, isText := in[1].(string); isText {
				result, err = m.attribute(in[0], attribute)
				return result, true, err
			}
		}
		return nil, true, fmt.Errorf("its program asks for an attribute without a name")
	case "ops.prim.RaiseException":
		return nil, true, fmt.Errorf("its program stops with an error for such pictures: %s", describeText(in))
	case "torch.warn", "torch.format":
		return "", true, nil
	case "int", "float", "ops.prim.NumToTensor", "torch.Int", "ops.aten.Int":
		if len(in) == 1 {
			switch in[0].(type) {
			case int64, float64, size:
				return in[0], true, nil
			}
		}
	}
	compute, known := scalar[strings.TrimPrefix(name, "torch.")]
	if !known || len(in) == 0 || !strings.HasPrefix(name, "torch.") {
		return nil, false, nil
	}
	for _, v := range in {
		switch v.(type) {
		case activation, *Tensor:
			if !strings.HasPrefix(name, "torch.__is") {
				return nil, false, nil // an operation on tensors of that name
			}
		}
	}
	for _, v := range in {
		if _, open := v.(size); open {
			return size{}, true, nil // not known, either
		}
	}
	if result, ok = compute(in); !ok {
		return nil, true, fmt.Errorf("its program computes %s of %s", short(name), describe(in[0]))
	}
	return result, true, nil
}

func describeText(in []any) string {
	if len(in) > 0 {
		if text, ok := in[0].(string); ok && text != "" {
			return short(text)
		}
	}
	return "it has no text"
}

// scalar are the functions of values that are no tensors.
var scalar = map[string]func(in []any) (any, bool){
	"__is__":    func(in []any) (any, bool) { return len(in) == 2 && in[0] == nil && in[1] == nil, isNone(in) },
	"__isnot__": func(in []any) (any, bool) { return !(in[0] == nil && in[1] == nil), isNone(in) },
	"__not__":   func(in []any) (any, bool) { v, ok := in[0].(bool); return !v, ok },
	"__and__":   func(in []any) (any, bool) { a, b, ok := pairOf[bool](in); return a && b, ok },
	"__or__":    func(in []any) (any, bool) { a, b, ok := pairOf[bool](in); return a || b, ok },
	"__contains__": func(in []any) (any, bool) {
		if len(in) != 2 {
			return nil, false
		}
		list, ok := in[0].([]any)
		for _, v := range list {
			if equal(v, in[1]) {
				return true, ok
			}
		}
		return false, ok
	},
	"eq":  func(in []any) (any, bool) { return len(in) == 2 && equal(in[0], in[1]), len(in) == 2 },
	"ne":  func(in []any) (any, bool) { return len(in) == 2 && !equal(in[0], in[1]), len(in) == 2 },
	"lt":  func(in []any) (any, bool) { a, b, ok := numbersOf(in); return a < b, ok },
	"gt":  func(in []any) (any, bool) { a, b, ok := numbersOf(in); return a > b, ok },
	"le":  func(in []any) (any, bool) { a, b, ok := numbersOf(in); return a <= b, ok },
	"ge":  func(in []any) (any, bool) { a, b, ok := numbersOf(in); return a >= b, ok },
	"neg": func(in []any) (any, bool) { v, ok := in[0].(int64); return -v, ok },
	"add": func(in []any) (any, bool) { a, b, ok := pairOf[int64](in); return a + b, ok },
	"sub": func(in []any) (any, bool) { a, b, ok := pairOf[int64](in); return a - b, ok },
	"mul": func(in []any) (any, bool) { a, b, ok := pairOf[int64](in); return a * b, ok },
	"floordiv": func(in []any) (any, bool) {
		a, b, ok := pairOf[int64](in)
		if !ok || a < 0 || b < 1 {
			return nil, false
		}
		return a / b, true
	},
}

// isNone reports whether a comparison is one with None.
func isNone(in []any) bool { return len(in) == 2 && in[1] == nil }

func equal(a, b any) bool {
	x, y, ok := numbersOf([]any{a, b})
	if ok {
		return x == y
	}
	switch a.(type) {
	case nil, bool, string:
		return a == b
	}
	return false
}

func pairOf[T any](in []any) (a, b T, ok bool) {
	if len(in) != 2 {
		return a, b, false
	}
	a, ok = in[0].(T)
	b, second := in[1].(T)
	return a, b, ok && second
}

func numbersOf(in []any) (a, b float64, ok bool) {
	if len(in) != 2 {
		return 0, 0, false
	}
	number := func(v any) (float64, bool) {
		switch v := v.(type) {
		case int64:
			return float64(v), true
		case float64:
			return v, true
		}
		return 0, false
	}
	a, first := number(in[0])
	b, second := number(in[1])
	return a, b, first && second
}

// constant returns the value that the code calls c0, c1, ...
func (m *machine) constant(name string) (any, error) {
	if i, err := strconv.Atoi(strings.TrimPrefix(name, "c")); err == nil && i >= 0 && i < len(m.Constants) && strings.HasPrefix(name, "c") {
		return m.Constants[i], nil
	}
	return nil, fmt.Errorf("its program has no constant %s", short(name))
}
