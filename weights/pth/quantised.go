package pth

import (
	"math"
	"strings"
)

// This file reads quantised tensors, and the packed parameters in which a state
// dict of a quantised network keeps the weights of its linear layers.

// rebuildQuantised acts for torch._utils._rebuild_qtensor(storage,
// storage_offset, size, stride, quantizer_params, requires_grad, backward_hooks).
// quantizer_params is (torch.per_tensor_affine, scale, zero_point) or
// (torch.per_channel_affine, scales, zero_points, axis).
func (u *unpickler) rebuildQuantised(args []any) error {
	if len(args) != 7 {
		return u.fault("_rebuild_qtensor wants 7 arguments, got %d", len(args))
	}
	parameters, isTuple := args[4].(*tuple)
	if s, ok := args[0].(*storage); !ok || !s.dtype.quantised() || !isTuple || len(parameters.items) < 3 {
		return u.fault("_rebuild_qtensor wants a storage of quantised elements and a tuple of parameters, got %s and %s", describe(args[0]), describe(args[4]))
	}
	if err := u.tensor(args, 0, nil); err != nil {
		return err
	}
	t := u.stack[len(u.stack)-1].(*Tensor)
	scheme, _ := parameters.items[0].(*global)
	q := &Quantization{Axis: -1}
	switch {
	case scheme != nil && scheme.name == "torch.per_tensor_affine" && len(parameters.items) == 3:
		scale, isScale := parameters.items[1].(float64)
		zero, isZero := parameters.items[2].(int64)
		if !isScale || !isZero {
			return u.fault("a quantised tensor has %s for its scale and %s for its zero point, wanted a float and an int", describe(parameters.items[1]), describe(parameters.items[2]))
		}
		q.Scales, q.ZeroPoints = []float64{scale}, []int64{zero}
	case scheme != nil && scheme.name == "torch.per_channel_affine" && len(parameters.items) == 4:
		scales, isScales := parameters.items[1].(*Tensor)
		zeros, isZeros := parameters.items[2].(*Tensor)
		axis, isAxis := parameters.items[3].(int64)
		if !isScales || !isZeros || !isAxis || axis < 0 || axis >= int64(len(t.Shape)) {
			return u.fault("a quantised tensor of %d dimensions has %s for its scales, %s for its zero points and %s for its axis, wanted two tensors and a dimension",
				len(t.Shape), describe(parameters.items[1]), describe(parameters.items[2]), describe(parameters.items[3]))
		}
		q.Axis = int(axis)
		channels := t.Shape[axis]
		if len(scales.Shape) != 1 || len(zeros.Shape) != 1 || scales.Shape[0] != channels || zeros.Shape[0] != channels || scales.DType != Float64 || zeros.DType != Int64 {
			return u.fault("a quantised tensor has scales of %s %v and zero points of %s %v, wanted %d of float64 and int64", scales.DType, scales.Shape, zeros.DType, zeros.Shape, channels)
		}
		if err := u.spend(16 * channels); err != nil {
			return err
		}
		t.scales, t.zeros = scales, zeros // whose storages may not be read yet
	default:
		u.stack = u.stack[:len(u.stack)-1]
		name := describe(parameters.items[0])
		if scheme != nil {
			name = strings.TrimPrefix(scheme.name, "torch.")
		}
		return u.unread("a tensor that is quantised by %s", name)
	}
	const cost = 100
	if err := u.spend(cost); err != nil {
		return err
	}
	t.Quantization = q
	return nil
}

// resolve reads the scales and zero points of a tensor that has them in tensors.
func (t *Tensor) resolve() {
	if t.scales == nil || t.Quantization.Scales != nil {
		return
	}
	q := t.Quantization
	q.Scales, q.ZeroPoints = make([]float64, 0, t.scales.Elements()), make([]int64, 0, t.zeros.Elements())
	t.scales.each(func(at int) {
		q.Scales = append(q.Scales, math.Float64frombits(t.scales.storage.order.Uint64(t.scales.storage.data[8*at:])))
	})
	t.zeros.each(func(at int) {
		q.ZeroPoints = append(q.ZeroPoints, int64(t.zeros.storage.order.Uint64(t.zeros.storage.data[8*at:])))
	})
}

// How a quantised linear layer names what it saves (LinearPackedParams in
// torch/ao/nn/quantized/modules/linear.py): since PyTorch 1.5 the weight and the
// bias are a tuple, before it they were two entries.
const (
	packedTuple  = "_packed_params._packed_params"
	packedType   = "_packed_params.dtype"
	packedWeight = "_packed_params.weight"
	packedBias   = "_packed_params.bias"
	packedScale  = "scale"
	packedZero   = "zero_point"
)

// unpack returns a state dict with the weights of quantised linear layers under
// the names that the layers have in the network that was quantised: fc.weight and
// fc.bias. A dynamically quantised layer quantises its input as it comes, and the
// scale 1 and zero point 0 of its output say nothing: they are left out, and so is
// the type's name.
func (w *walker) unpack(d *dict) (*dict, error) {
	layers := map[string]bool{}
	w.layers = layers
	for _, e := range d.entries {
		if name, ok := e.key.(string); ok {
			if layer, ok := cutLast(name, packedTuple); ok && isPacked(e.value) {
				layers[layer] = true
			}
			if layer, ok := cutLast(name, packedWeight); ok && isQuantised(e.value) {
				layers[layer] = true
			}
		}
	}
	if len(layers) == 0 {
		return d, nil
	}
	if err := w.spend(int64((2*entryCost + visitCost) * (len(d.entries) + len(layers)))); err != nil {
		return nil, err
	}
	flat := &dict{entries: make([]entry, 0, len(d.entries)+len(layers))}
	for _, e := range d.entries {
		name, isName := e.key.(string)
		layer, part := splitPacked(name)
		if !isName || !layers[layer] {
			flat.add(e)
			continue
		}
		if err := w.spend(int64(len(name))); err != nil {
			return nil, err
		}
		switch part {
		case packedTuple:
			pair := e.value.(*tuple)
			flat.add(entry{layer + "weight", pair.items[0]})
			if pair.items[1] != nil {
				flat.add(entry{layer + "bias", pair.items[1]})
			}
		case packedWeight:
			flat.add(entry{layer + "weight", e.value})
		case packedBias:
			if e.value != nil {
				flat.add(entry{layer + "bias", e.value})
			}
		case packedType:
		case packedScale, packedZero:
			if !isTrivial(e.value, part == packedScale) {
				flat.add(e)
			}
		default:
			flat.add(e)
		}
	}
	return flat, nil
}

// gatherPacked adds the packed parameters of a module, which PyTorch keeps in an
// object of C++ that is pickled as ((weight, bias), class).
func (w *walker) gatherPacked(flat *dict, module *object, prefix string) error {
	packed, ok := module.attribute("_packed_params").(*object)
	if !ok {
		return nil
	}
	state, ok := packed.extra.(*tuple)
	if !ok || len(state.items) != 2 || !isPacked(state.items[0]) {
		return nil
	}
	if err := w.spend(int64(2*entryCost + len(prefix) + len("_packed_params"))); err != nil {
		return err
	}
	flat.add(entry{prefix + "_packed_params", state.items[0]})
	return nil
}

// splitPacked returns the prefix of a layer and what is behind it.
func splitPacked(name string) (layer, part string) {
	for _, part := range []string{packedTuple, packedType, packedWeight, packedBias, packedScale, packedZero} {
		if layer, ok := cutLast(name, part); ok {
			return layer, part
		}
	}
	return "", ""
}

// cutLast returns the prefix, with its dot, of a name that ends with a part.
func cutLast(name, part string) (prefix string, ok bool) {
	prefix, ok = strings.CutSuffix(name, part)
	return prefix, ok && (prefix == "" || strings.HasSuffix(prefix, "."))
}

func isQuantised(value any) bool {
	t, ok := value.(*Tensor)
	return ok && t.Quantization != nil
}

// isPacked tells whether a value is a weight and a bias or None.
func isPacked(value any) bool {
	pair, ok := value.(*tuple)
	if !ok || len(pair.items) != 2 || !isQuantised(pair.items[0]) {
		return false
	}
	_, isTensor := pair.items[1].(*Tensor)
	return isTensor || pair.items[1] == nil
}

// isTrivial tells whether a value is the scale 1 or the zero point 0 of an output.
func isTrivial(value any, scale bool) bool {
	t, ok := value.(*Tensor)
	if !ok || t.Elements() != 1 || t.Quantization != nil {
		return false
	}
	values, err := t.Float32s()
	return err == nil && (scale && values[0] == 1 || !scale && values[0] == 0)
}
