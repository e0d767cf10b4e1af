// Writes opsets.json.gz: small graphs of operator sets 18 to 22, and what ONNX Runtime computes of
// them, for opsets_test.go:
//
//     NODE_PATH=.../node_modules node opsets.js
//
// ONNX's own tests, as Debian has them, end at operator set 17. The files are encoded by hand below;
// what ONNX Runtime does not run is printed and left out.

const fs = require("fs");
const path = require("path");
const zlib = require("zlib");
const ort = require("onnxruntime-node");

// The encoding of protocol buffers.
function varint(n) {
	n = BigInt.asUintN(64, BigInt(n));
	const out = [];
	for (; n > 127n; n >>= 7n) out.push(Number(n & 127n) | 128);
	return Buffer.from([...out, Number(n)]);
}
const whole = (field, n) => Buffer.concat([varint(field << 3), varint(n)]);
const bytes = (field, ...parts) => {
	const content = Buffer.concat(parts.map((p) => Buffer.from(p)));
	return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
};
const real = (field, x) => {
	const four = Buffer.alloc(4);
	four.writeFloatLE(x);
	return Buffer.concat([varint((field << 3) | 5), four]);
};

// ONNX's numbers of types, and the arrays of their elements. Those of float16 are its bits.
const types = {
	float32: [1, Float32Array], uint8: [2, Uint8Array], int8: [3, Int8Array], uint16: [4, Uint16Array], int16: [5, Int16Array],
	int32: [6, Int32Array], int64: [7, BigInt64Array], bool: [9, Uint8Array], float16: [10, Uint16Array], float64: [11, Float64Array],
	uint32: [12, Uint32Array], uint64: [13, BigUint64Array],
};
const arrayOf = (t) => {
	const big = t.type === "int64" || t.type === "uint64";
	return types[t.type][1].from(t.data.map((v) => (big ? BigInt(v) : v)));
};
function tensorProto(name, t) {
	const array = arrayOf(t);
	return [...t.shape.map((d) => whole(1, d)), whole(2, types[t.type][0]), bytes(8, name), bytes(9, Buffer.from(array.buffer))];
}

function attribute(name, value) {
	const list = Array.isArray(value) ? value : [value];
	const named = bytes(1, name);
	if (value instanceof Real) return bytes(5, named, real(2, value.x), whole(20, 1));
	if (typeof value === "string") return bytes(5, named, bytes(4, value), whole(20, 3));
	if (value.type) return bytes(5, named, bytes(5, ...tensorProto("", value)), whole(20, 4));
	if (!Array.isArray(value)) return bytes(5, named, whole(3, value), whole(20, 2));
	return bytes(5, named, ...list.map((v) => whole(8, v)), whole(20, 7));
}
class Real {
	constructor(x) { this.x = x; }
}
const r = (x) => new Real(x);

function modelOf(version, op, attributes, inputs, outputs) {
	const graph = [];
	const names = inputs.map((t, i) => (t === null ? "" : `x${i}`));
	const outs = Array.from({ length: outputs }, (_, i) => `y${i}`);
	graph.push(bytes(1, ...names.map((n) => bytes(1, n)), ...outs.map((n) => bytes(2, n)), bytes(4, op), ...Object.entries(attributes).map(([k, v]) => attribute(k, v))));
	graph.push(bytes(2, op));
	inputs.forEach((t, i) => {
		if (t === null) return;
		if (t.fixed) graph.push(bytes(5, ...tensorProto(names[i], t)));
		else graph.push(bytes(11, bytes(1, names[i]), bytes(2, bytes(1, whole(1, types[t.type][0]), bytes(2, ...t.shape.map((d) => bytes(1, whole(1, d))))))));
	});
	outs.forEach((n) => graph.push(bytes(12, bytes(1, n))));
	return Buffer.concat([whole(1, version < 21 ? 9 : 10), bytes(8, bytes(1, ""), whole(2, version)), bytes(7, ...graph)]);
}

// Numbers that are the same every time.
let state = 1;
function uniform() {
	state = (state + 0x6d2b79f5) | 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const count = (shape) => shape.reduce((a, b) => a * b, 1);
// x are numbers that an input has, k those of an initializer.
const x = (...shape) => ({ type: "float32", shape, data: Array.from({ length: count(shape) }, () => Math.round((uniform() * 6 - 3) * 64) / 64) });
const near = (low, high, ...shape) => ({ type: "float32", shape, data: Array.from({ length: count(shape) }, () => Math.fround(low + (high - low) * uniform())) });
const ints = (type, low, high, ...shape) => ({ type, shape, data: Array.from({ length: count(shape) }, () => low + Math.floor(uniform() * (high - low + 1))) });
const given = (type, shape, ...data) => ({ type, shape, data });
const fixed = (t) => ({ ...t, fixed: true });
const k = (...list) => fixed(given("int64", [list.length], ...list));
const s = (type, v) => fixed(given(type, [], v));
const f = (...list) => fixed(given("float32", [list.length], ...list));

const cases = [];
// add adds a graph of one node for every operator set from the first to the last.
function add(op, attributes, inputs, { from = 18, to = 22, outputs = 1 } = {}) {
	for (let version = from; version <= to; version++) cases.push({ op, version, attributes, inputs, outputs });
}

for (const op of ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "ReduceSum"]) {
	const input = op === "ReduceLogSum" ? near(0.5, 2, 2, 3, 4) : x(2, 3, 4);
	const range = { from: 18, to: op.includes("Max") || op.includes("Min") ? 20 : 18 };
	add(op, { keepdims: 0 }, [input, k(1)], range);
	add(op, {}, [input, k(-1, 1)], range);
	add(op, {}, [input], { to: 18 });
	add(op, { noop_with_empty_axes: 1 }, [input], { to: 18 });
	add(op, { noop_with_empty_axes: 1, keepdims: 0 }, [input, k()], { to: 18 });
	if (op !== "ReduceLogSum" && op !== "ReduceLogSumExp" && op !== "ReduceL2" && op !== "ReduceMean") add(op, { keepdims: 0 }, [ints("int32", -4, 4, 2, 3, 2), k(0)], { to: 18 });
}
for (const op of ["ReduceMax", "ReduceMin"]) add(op, { keepdims: 0 }, [ints("bool", 0, 1, 3, 4), k(1)], { from: 20, to: 22 });

add("Split", { axis: 1, num_outputs: 3 }, [x(2, 7)], { outputs: 3 });
add("Split", { axis: -1, num_outputs: 2 }, [x(2, 7)], { outputs: 2, to: 18 });
add("Split", { axis: 0 }, [x(5, 2), k(1, 4)], { outputs: 2, to: 18 });
for (const mode of ["constant", "reflect", "edge", "wrap"]) {
	const from = mode === "wrap" ? 19 : 18;
	add("Pad", { mode }, [x(1, 2, 3, 4), k(0, 0, 1, 2, 0, 0, 2, 1)], { from });
	add("Pad", { mode }, [x(2, 4, 5), k(1, 2, 0, 3), null, k(-1, 1)], { from });
	if (mode !== "reflect") add("Pad", { mode }, [x(2, 4, 5), k(0, -1, 0, -2), null, k(1, 2)], { from });
}
add("Pad", {}, [x(2, 3), k(1, 1), s("float32", 1.5), k(0)]);
add("Pad", {}, [ints("int32", -5, 5, 2, 3), k(1, 0, 0, 1), s("int32", 7)], { from: 21 });
add("Pad", {}, [ints("bool", 0, 1, 2, 3), k(1, 0, 0, 1)], { from: 21 });

const scales = [[1, 1, 2, 2], [1, 1, 0.6, 0.6], [1, 1, 1.5, 0.7], [1, 1, 0.6, 0.5]];
for (const [a, b, c, d] of scales) {
	for (const coordinate_transformation_mode of ["half_pixel", "half_pixel_symmetric", "align_corners", "asymmetric", "pytorch_half_pixel"]) {
		const from = coordinate_transformation_mode === "half_pixel_symmetric" ? 19 : 18;
		// Where the length is rounded, ONNX's own tests align the corners of the unrounded one, and ONNX Runtime does not.
		if (coordinate_transformation_mode === "align_corners" && ((c * 5) % 1 !== 0 || (d * 6) % 1 !== 0)) continue;
		for (const mode of ["nearest", "linear", "cubic"]) {
			add("Resize", { mode, coordinate_transformation_mode }, [x(1, 2, 5, 6), null, f(a, b, c, d)], { from, to: mode === "linear" ? 22 : from });
		}
	}
	for (const nearest_mode of ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]) add("Resize", { nearest_mode }, [x(1, 1, 5, 6), null, f(a, b, c, d)], { to: 18 });
}
for (const mode of ["linear", "cubic"]) {
	for (const antialias of [0, 1]) {
		add("Resize", { mode, antialias }, [x(1, 2, 8, 6), null, null, k(1, 2, 5, 3)], { to: 19 });
		add("Resize", { mode, antialias, exclude_outside: 1 }, [x(1, 1, 8, 6), null, f(1, 1, 0.6, 0.5)], { to: 18 });
		add("Resize", { mode, antialias, axes: [2, 3] }, [x(1, 2, 8, 6), null, f(0.6, 0.5)], { to: 19 });
		add("Resize", { mode, antialias, axes: [3, 2] }, [x(1, 2, 8, 6), null, null, k(3, 12)], { to: 19 });
	}
	add("Resize", { mode, cubic_coeff_a: r(-0.5) }, [x(1, 1, 5, 4), null, f(1, 1, 1.6, 2)], { to: 18 });
}
for (const keep_aspect_ratio_policy of ["stretch", "not_larger", "not_smaller"]) {
	add("Resize", { mode: "linear", keep_aspect_ratio_policy, axes: [2, 3] }, [x(1, 1, 4, 6), null, null, k(7, 8)]);
	add("Resize", { mode: "nearest", keep_aspect_ratio_policy, axes: [2, 3] }, [x(1, 1, 4, 6), null, null, k(3, 4)], { to: 18 });
}
add("Resize", { coordinate_transformation_mode: "tf_crop_and_resize", mode: "linear", extrapolation_value: r(9) }, [x(1, 1, 4, 5), f(0, 0, 0.2, 0.1, 1, 1, 0.9, 1.2), null, k(1, 1, 3, 3)], { to: 18 });
add("Resize", { coordinate_transformation_mode: "tf_crop_and_resize", mode: "linear", axes: [2, 3] }, [x(1, 1, 4, 5), f(0.2, 0.1, 0.9, 1), null, k(3, 3)], { to: 18 });

add("GroupNormalization", { num_groups: 2 }, [x(2, 4, 3, 2), fixed(x(2)), fixed(x(2))], { to: 20 });
add("GroupNormalization", { num_groups: 2, epsilon: r(0.01) }, [x(2, 4, 3), fixed(x(2)), fixed(x(2))], { to: 18 });
add("GroupNormalization", { num_groups: 2 }, [x(2, 4, 3, 2), fixed(x(4)), fixed(x(4))], { from: 21 });
add("GroupNormalization", { num_groups: 4, epsilon: r(0.01) }, [x(2, 4, 3, 2), x(4), x(4)], { from: 21, to: 21 });
add("LayerNormalization", { axis: 1 }, [x(2, 3, 4), fixed(x(3, 4)), fixed(x(3, 4))], { to: 18 });
add("LayerNormalization", {}, [x(2, 3, 4), fixed(x(4))], { to: 18 });
add("InstanceNormalization", {}, [x(2, 3, 4, 2), fixed(x(3)), fixed(x(3))], { from: 21 });
add("BatchNormalization", {}, [x(2, 3, 4), fixed(x(3)), fixed(x(3)), fixed(x(3)), fixed(near(0.5, 2, 3))], { to: 18 });
add("LpNormalization", { p: 1, axis: 1 }, [x(2, 3, 4)], { from: 21 });
add("LRN", { size: 3 }, [x(1, 5, 2, 2)], { to: 18 });

for (const op of ["AveragePool", "MaxPool", "LpPool"]) {
	const outputs = 1;
	add(op, { kernel_shape: [2, 3], strides: [2, 1], pads: [1, 1, 0, 1] }, [x(1, 2, 5, 6)], { outputs });
	add(op, { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }, [x(1, 1, 6, 8)]);
	add(op, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }, [x(1, 1, 6, 7)]);
	if (op !== "AveragePool") add(op, { kernel_shape: [2, 2], dilations: [2, 2] }, [x(1, 2, 6, 5)]);
	add(op, { kernel_shape: [2, 2], auto_pad: "SAME_UPPER" }, [x(1, 1, 5, 4)]);
	add(op, { kernel_shape: [2], auto_pad: "SAME_LOWER", strides: [2] }, [x(1, 2, 5)]);
	add(op, { kernel_shape: [2, 2, 2] }, [x(1, 1, 3, 4, 3)], { from: 21 });
}
add("AveragePool", { kernel_shape: [2, 2], dilations: [2, 2] }, [x(1, 2, 6, 5)], { from: 19 });
add("AveragePool", { kernel_shape: [3, 2], dilations: [1, 2], strides: [2, 1], pads: [1, 1, 1, 0], count_include_pad: 1 }, [x(1, 2, 6, 5)], { from: 19 });
add("AveragePool", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1, count_include_pad: 1 }, [x(1, 1, 6, 7)]);
add("MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }, [x(1, 2, 4, 5)], { outputs: 2 });
add("MaxPool", { kernel_shape: [2, 2], strides: [1, 2], pads: [1, 0, 0, 1], storage_order: 1 }, [x(1, 2, 4, 5)], { outputs: 2, from: 22 });
add("MaxPool", { kernel_shape: [2, 2] }, [ints("int8", -100, 100, 1, 1, 4, 4)]);
for (const op of ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]) add(op, {}, [x(2, 3, 4, 2)], { from: 21 });

add("Conv", { pads: [1, 1, 1, 1], strides: [2, 1] }, [x(2, 3, 5, 4), fixed(x(4, 3, 3, 3)), fixed(x(4))], { from: 21 });
add("Conv", { group: 2, dilations: [1, 2] }, [x(1, 4, 5, 6), fixed(x(4, 2, 2, 3))], { from: 21 });
add("Conv", { auto_pad: "SAME_LOWER" }, [x(1, 2, 6), fixed(x(3, 2, 4))], { from: 21 });
add("ConvTranspose", { strides: [2, 2], output_padding: [1, 1], pads: [1, 1, 1, 1] }, [x(1, 3, 3, 4), fixed(x(3, 2, 3, 3)), fixed(x(2))], { from: 21 });
add("ConvTranspose", { group: 2, dilations: [2, 1] }, [x(1, 4, 3, 3), fixed(x(4, 1, 2, 2))], { from: 21 });
add("ConvTranspose", { output_shape: [8, 8], strides: [2, 2] }, [x(1, 1, 4, 4), fixed(x(1, 1, 3, 3))], { from: 21 });
add("Gemm", { transB: 1, alpha: r(0.5), beta: r(2) }, [x(2, 3), fixed(x(4, 3)), fixed(x(4))], { to: 18 });

for (const approximate of ["none", "tanh"]) add("Gelu", { approximate }, [x(3, 5)], { from: 20 });
for (const op of ["Mish", "HardSwish", "Softplus", "Softsign", "Selu", "Elu", "Celu", "HardSigmoid", "ThresholdedRelu", "Round", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asinh", "Atan", "Relu", "Erf", "Sign", "Identity", "Tanh", "Sigmoid", "Abs", "Neg", "Exp", "LeakyRelu", "Softmax", "LogSoftmax", "Hardmax", "Not", "IsNaN", "Floor", "Ceil"])
	add(op, {}, [op === "Not" ? ints("bool", 0, 1, 3, 4) : x(3, 5)], { from: op === "Mish" ? 18 : 21 });
for (const op of ["Acos", "Asin", "Atanh"]) add(op, {}, [near(-0.9, 0.9, 3, 5)], { from: 21 });
add("Acosh", {}, [near(1.1, 4, 3, 5)], { from: 21 });
add("Elu", { alpha: r(0.7) }, [x(3, 5)], { from: 22 });
add("Selu", { alpha: r(1.5), gamma: r(1.1) }, [x(3, 5)], { from: 22 });
add("HardSigmoid", { alpha: r(0.3), beta: r(0.4) }, [x(3, 5)], { from: 22 });
add("PRelu", {}, [x(2, 3, 2, 2), fixed(x(3, 1, 1))], { to: 18 });
add("Round", {}, [given("float32", [6], 0.5, 1.5, 2.5, -0.5, -1.5, -2.5)], { from: 22 });
add("IsInf", {}, [given("float32", [4], 1, Infinity, -Infinity, NaN)], { from: 20 });
add("IsInf", { detect_negative: 0 }, [given("float32", [3], -Infinity, Infinity, 0)], { from: 20, to: 20 });
add("Dropout", {}, [x(3, 5)], { from: 21 });
add("Dropout", { seed: 3 }, [x(3, 5), s("float32", 0.4)], { outputs: 2, from: 22 });
add("IsNaN", {}, [given("float32", [3], -Infinity, NaN, 0)], { from: 20, to: 20 });

for (const to of ["float64", "int32", "int64", "uint8", "int8", "bool", "float16", "float32"]) add("Cast", { to: types[to][0] }, [near(0, 100, 2, 3)], { from: 19, to: to === "int32" ? 22 : 19 });
add("Cast", { to: types.int8[0] }, [given("int32", [4], 300, -300, 127, 128)], { from: 19 });
add("Cast", { to: types.float32[0] }, [given("int64", [3], 300, -300, 1)], { from: 19 });
add("CastLike", {}, [near(0, 100, 2, 3), ints("int32", 0, 1, 1)], { from: 19 });

add("Reshape", {}, [x(2, 3, 4), k(4, -1)], { from: 19 });
add("Reshape", { allowzero: 0 }, [x(2, 3, 4), k(0, -1)], { from: 19 });
add("Shape", { start: 1 }, [x(2, 3, 4)], { from: 19 });
add("Shape", { start: -2, end: -1 }, [x(2, 3, 4)], { from: 21 });
add("Size", {}, [x(2, 3, 4)], { from: 19 });
add("Flatten", { axis: 2 }, [x(2, 3, 4)], { from: 21 });
add("Squeeze", {}, [x(2, 1, 4, 1), k(1, -1)], { from: 21 });
add("Unsqueeze", {}, [x(2, 4), k(0, -1)], { from: 21 });
add("Transpose", { perm: [2, 0, 1] }, [x(2, 3, 4)], { from: 21 });
add("Concat", { axis: -1 }, [x(2, 3), x(2, 2)], { to: 18 });
add("ConstantOfShape", { value: given("int32", [1], 7) }, [k(2, 3)], { from: 20 });
add("ConstantOfShape", {}, [k(2, 3)], { from: 20 });
add("Constant", { value: given("float32", [2, 2], 1, 2, 3, 4) }, [], { from: 19 });
add("Range", {}, [s("float32", 1), s("float32", 6), s("float32", 1.5)], { to: 18 });
add("Where", {}, [ints("bool", 0, 1, 2, 3), x(2, 3), x(3)], { to: 18 });
add("Equal", {}, [ints("int32", 0, 2, 2, 3), ints("int32", 0, 2, 3)], { from: 19 });
add("TopK", {}, [x(3, 5), k(2)], { outputs: 2, to: 18 });
add("Slice", {}, [x(4, 5), k(3, 0), k(-5, 4), k(0, 1), k(-1, 2)], { to: 18 });
add("Gather", { axis: 1 }, [x(3, 5), given("int64", [2], -1, 2)], { to: 18 });
add("GatherElements", { axis: 1 }, [x(3, 5), ints("int64", -5, 4, 3, 2)], { to: 18 });
add("GatherND", { batch_dims: 1 }, [x(2, 3, 4), ints("int64", 0, 2, 2, 1)], { to: 18 });
add("DepthToSpace", { blocksize: 2, mode: "CRD" }, [x(1, 8, 2, 2)], { to: 18 });
add("SpaceToDepth", { blocksize: 2 }, [x(1, 2, 4, 4)], { to: 18 });
add("CumSum", { exclusive: 1, reverse: 1 }, [x(3, 4), s("int64", 1)], { to: 18 });
add("Mod", { fmod: 1 }, [x(2, 3), near(1, 2, 3)], { to: 18 });
add("Einsum", { equation: "bij,bjk->bik" }, [x(2, 2, 3), x(2, 3, 2)], { to: 18 });

const scale = (...list) => fixed(given("float32", [list.length], ...list));
add("QuantizeLinear", {}, [x(2, 5), s("float32", 0.03), s("uint8", 120)], { from: 18 });
add("QuantizeLinear", { axis: 1 }, [x(2, 3, 2), scale(0.02, 0.05, 0.04), fixed(given("int8", [3], -3, 5, 7))], { from: 18 });
add("QuantizeLinear", { output_dtype: types.int8[0] }, [x(2, 5), s("float32", 0.03)], { from: 21 });
add("QuantizeLinear", {}, [x(2, 5), s("float32", 0.0003), s("uint16", 30000)], { from: 21 });
add("QuantizeLinear", {}, [x(2, 5), s("float32", 0.0003), s("int16", -20)], { from: 21 });
add("QuantizeLinear", { axis: 1, block_size: 2 }, [x(2, 6), fixed(near(0.01, 0.05, 2, 3)), fixed(ints("uint8", 100, 140, 2, 3))], { from: 21 });
add("DequantizeLinear", {}, [ints("uint8", 0, 255, 2, 5), s("float32", 0.03), s("uint8", 120)], { from: 18 });
add("DequantizeLinear", { axis: 1 }, [ints("int8", -128, 127, 2, 3, 2), scale(0.02, 0.05, 0.04), fixed(given("int8", [3], -3, 5, 7))], { from: 18 });
add("DequantizeLinear", {}, [ints("int32", -1000, 1000, 2, 5), s("float32", 0.01)], { from: 19 });
add("DequantizeLinear", {}, [ints("uint16", 0, 65535, 2, 5), s("float32", 0.0003), s("uint16", 30000)], { from: 21 });
add("DequantizeLinear", { axis: 0, block_size: 2 }, [ints("int8", -128, 127, 4, 3), fixed(near(0.01, 0.05, 2, 3)), fixed(ints("int8", -9, 9, 2, 3))], { from: 21 });
add("DynamicQuantizeLinear", {}, [x(3, 4)], { outputs: 3, to: 18 });

for (const mode of ["linear", "nearest", "cubic"]) add("GridSample", { mode }, [x(1, 2, 4, 5), near(-1.2, 1.2, 1, 3, 3, 2)], { from: 20, to: 22 });
add("GridSample", { padding_mode: "reflection", align_corners: 1 }, [x(1, 1, 4, 5), near(-1.5, 1.5, 1, 3, 3, 2)], { from: 20, to: 20 });

(async () => {
	const goldens = [], refused = new Map();
	for (const { op, version, attributes, inputs, outputs } of cases) {
		const model = modelOf(version, op, attributes, inputs, outputs);
		try {
			const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4, graphOptimizationLevel: "disabled" });
			const feeds = {};
			inputs.forEach((t, i) => t && !t.fixed && (feeds[`x${i}`] = new ort.Tensor(t.type, arrayOf(t), t.shape)));
			const results = await session.run(feeds);
			const list = session.outputNames.map((name) => {
				const { type, dims, data } = results[name];
				return { type, shape: dims, data: Array.from(data, Number) };
			});
			goldens.push({ op, version, model: model.toString("base64"), inputs: Object.fromEntries(inputs.map((t, i) => [`x${i}`, t]).filter(([, t]) => t && !t.fixed)), outputs: list });
		} catch (error) {
			const text = `${op}: ${String(error).split("\n")[0].slice(0, 160)}`;
			refused.set(text, [...(refused.get(text) || []), version]);
		}
	}
	for (const [text, versions] of refused) console.log(`not run (${versions}): ${text}`);
	const file = zlib.gzipSync(JSON.stringify(goldens, (_, v) => (typeof v === "number" && !isFinite(v) ? String(v) : v)), { level: 9 });
	fs.writeFileSync(path.join(__dirname, "opsets.json.gz"), file);
	console.log(`${goldens.length} graphs, ${file.length} bytes`);
})();
