package nn

import (
	"fmt"
	"reflect"
	"slices"
)

// Operation is one operation of a traced network, for programs that write or
// draw networks.
type Operation struct {
	// Name is the operation's name: "conv2d", "maxpool2d", "linear", "relu", ...,
	// or what a user's own Op is called.
	Name string
	// BuiltIn tells that the operation is one of this package, and not a
	// user's own of the same name.
	BuiltIn bool
	// Settings are all settings of the operation, with their defaults filled in,
	// by the names that they have in its definition: two operations of one Name
	// and the same Settings compute the same. A value is an int, float64, bool or
	// string, or a list of one of the first three, such as the height and the
	// width of a filter: linear has in and out; conv2d has in, out, groups and
	// how its filter moves, which are pairs: kernel, stride, dilation, and the
	// padding before (above, left) and after (below, right).
	Settings map[string]any
	// Inputs tells whose outputs the operation reads: the positions of earlier
	// operations in the list, NetworkInput for the network's own input.
	Inputs []int
	// Shape is the shape of the first output, the batch first, Type what its
	// elements are.
	Shape Shape
	Type  Type
	// Params are the state-dict keys of the parameters in the order of the
	// operation: weight, and bias if there is one. A parameter that State does
	// not know, because no exported field leads to it, has an empty key.
	Params []string
	// Buffers are the keys of the buffers, such as running statistics.
	Buffers []string
}

// NetworkInput stands for the network's input among an operation's inputs.
const NetworkInput = -1

// Trace runs the module's Forward once on an input of the given shape, batch
// first, and returns the operations that its output depends on, each behind
// those it reads; the last one's output is the network's. The list is empty if
// the module returns its input. Errors are those of Compile.
func Trace(module Module, shape ...int) ([]Operation, error) {
	g, err := trace(module, shape, false)
	if err != nil {
		return nil, err
	}
	needed := g.needed()
	params, buffers := map[*Param]string{}, map[*Buffer]string{}
	walkState(module, func(name string, p *Param, b *Buffer) {
		if p != nil && params[p] == "" {
			params[p] = name
		}
		if b != nil && buffers[b] == "" {
			buffers[b] = name
		}
	})
	position := map[*Value]int{g.input(): NetworkInput}
	var list []Operation
	for _, n := range g.nodes {
		if !n.needed(needed) {
			continue
		}
		op := Operation{Name: n.op.Name(), BuiltIn: builtIn(n.op), Settings: map[string]any{}, Shape: n.outputs[0].shape.clone(), Type: n.outputs[0].kind}
		addSettings(op.Settings, "settings", reflect.ValueOf(n.op))
		for _, in := range n.inputs {
			op.Inputs = append(op.Inputs, position[in])
		}
		for _, p := range n.params {
			op.Params = append(op.Params, params[p])
		}
		for _, b := range n.buffers {
			op.Buffers = append(op.Buffers, buffers[b])
		}
		for _, out := range n.outputs {
			position[out] = len(list)
		}
		list = append(list, op)
	}
	return list, nil
}

// addSettings adds a field of an operation, or all fields if it is a struct.
func addSettings(to map[string]any, name string, v reflect.Value) {
	for to[name] != nil { // of another part of the operation
		name += "_"
	}
	switch kind := v.Kind(); {
	case v.Type() == reflect.TypeFor[PadMode]():
		to[name] = PadMode(v.Uint()).String()
	case v.Type() == reflect.TypeFor[Type]():
		to[name] = Type(v.Uint()).String()
	case v.Type() == reflect.TypeFor[dims]():
		list := setting(v.Field(0)).([]int)
		to[name] = list[:min(int(v.Field(1).Int()), maxRank)]
	case kind == reflect.Struct:
		for i := range v.NumField() {
			addSettings(to, v.Type().Field(i).Name, v.Field(i))
		}
	default:
		to[name] = setting(v)
	}
}

// setting returns the value of a field. What only a user's own operation has becomes
// a text.
func setting(v reflect.Value) any {
	switch {
	case v.CanInt():
		return int(v.Int())
	case v.CanUint():
		return int(v.Uint())
	case v.CanFloat():
		return v.Float()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Int:
		return listOf(v, func(e reflect.Value) int { return int(e.Int()) })
	case v.Kind() == reflect.Array && v.Type().Elem() == reflect.TypeFor[[2]int]():
		return slices.Concat(listOf(v, func(e reflect.Value) []int { return setting(e).([]int) })...)
	case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Float64:
		return listOf(v, reflect.Value.Float)
	case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Bool:
		return listOf(v, reflect.Value.Bool)
	}
	return fmt.Sprintf("%+v", v)
}

func listOf[T any](v reflect.Value, element func(reflect.Value) T) []T {
	list := make([]T, v.Len())
	for i := range list {
		list[i] = element(v.Index(i))
	}
	return list
}
