package nn

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestTrace(t *testing.T) {
	list, err := Trace(newLeNet(1), 3, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, op := range list {
		got = append(got, fmt.Sprint(op.Name, op.Inputs, op.Shape, op.Params))
	}
	want := []string{
		"conv2d[-1] 3x6x24x24 [conv1.weight conv1.bias]", "relu[0] 3x6x24x24 []", "maxpool2d[1] 3x6x12x12 []",
		"conv2d[2] 3x16x8x8 [conv2.weight conv2.bias]", "relu[3] 3x16x8x8 []", "maxpool2d[4] 3x16x4x4 []",
		"flatten[5] 3x256 []", "linear[6] 3x120 [fc1.weight fc1.bias]", "relu[7] 3x120 []",
		"linear[8] 3x84 [fc2.weight fc2.bias]", "relu[9] 3x84 []", "linear[10] 3x10 [fc3.weight fc3.bias]",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	two := func(n int) []int { return []int{n, n} }
	for i, want := range map[int]map[string]any{
		0:  {"in": 1, "out": 6, "groups": 1, "kernel": two(5), "stride": two(1), "dilation": two(1), "before": two(0), "after": two(0)},
		2:  {"kernel": two(2), "stride": two(2), "dilation": two(1), "before": two(0), "after": two(0), "ceil": false},
		7:  {"in": 256, "out": 120},
		10: {},
	} {
		got := maps.Clone(list[i].Settings)
		for name := range got {
			if _, wanted := want[name]; !wanted && i != 10 {
				delete(got, name) // more than a reader needs to know
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has %v, want %v", list[i].Name, list[i].Settings, want)
		}
	}
}

// branched has an operation whose output nobody needs, one whose output two
// need, and a parameter that no exported field leads to.
type branched struct {
	Conv   Conv2d
	hidden Conv2d
}

func (b *branched) Forward(x *Value) *Value {
	ReLU(x)
	y := b.Conv.Forward(x)
	return Add(ReLU(b.hidden.Forward(y)), y)
}

func TestTraceBranches(t *testing.T) {
	net := &branched{
		Conv:   Conv2d{In: 2, Out: 4, Kernel: 3, Padding: 1, NoBias: true},
		hidden: Conv2d{In: 4, Out: 4, Kernel: 3, Padding: 2, Dilation: 2, Groups: 2},
	}
	Init(net, rand.New(rand.NewPCG(1, 1)))
	Init(&net.hidden, rand.New(rand.NewPCG(1, 1)))
	list, err := Trace(net, 1, 2, 5, 5)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, op := range list {
		got = append(got, fmt.Sprint(op.Name, op.Inputs, len(op.Params)))
	}
	if want := "[conv2d[-1] 1 conv2d[0] 2 relu[1] 0 add[2 0] 0]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if list[0].Params[0] != "conv.weight" || list[1].Params[0] != "" {
		t.Errorf("parameters %q and %q", list[0].Params, list[1].Params)
	}
	if !reflect.DeepEqual(list[1].Settings["dilation"], []int{2, 2}) || list[1].Settings["groups"] != 2 {
		t.Errorf("settings %v", list[1].Settings)
	}
}

// impostor is a user's operation with the name of a built-in one.
type impostor struct{ relu }

type disguised struct{}

func (disguised) Forward(x *Value) *Value { return Apply(impostor{}, nil, ReLU(x)) }

func TestTraceOwnOperation(t *testing.T) {
	list, err := Trace(disguised{}, 1, 2)
	if err != nil || len(list) != 2 || !list[0].BuiltIn || list[1].BuiltIn || list[1].Name != "relu" {
		t.Errorf("%+v, %v", list, err)
	}
}

type identity struct{}

func (identity) Forward(x *Value) *Value { return x }

func TestTraceNothing(t *testing.T) {
	if list, err := Trace(identity{}, 1, 2); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := Trace(newLeNet(1), 1, 1, 4, 4); err == nil || !strings.Contains(err.Error(), "conv2d conv1") {
		t.Errorf("a picture too small: %v", err)
	}
}
