package graph

import (
	"math"

	"inkling/nn"
)

// operator is a line of the table.
type operator struct {
	// plain is the definition, on tensors.
	plain func(c *call) []*Tensor
	// known are the inputs whose numbers decide the shapes of the outputs.
	known []int
	// since is the operator set from which on the operator means what is done here.
	since int
	// probe is what whole numbers are while shapes are found.
	probe int64
	// lower, if there is one, computes the same with operations of package nn. It
	// returns nil where the node asks for what these cannot do.
	lower func(l *lowering) []*nnValue
}

// operators are those that are run, in the versions of operator sets 7 to 22.
var operators map[string]operator

func init() {
	operators = map[string]operator{
		"Abs":                {plain: eachNumber(math.Abs, func(n int64) int64 { return max(n, -n) }), lower: function(nn.Abs)},
		"Acos":               {plain: plainly(math.Acos)},
		"Acosh":              {plain: plainly(math.Acosh)},
		"Add":                {plain: pair(func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }), lower: arithmetic("Add", nn.Add, func(x *nn.Value, n float64, _ bool) *nn.Value { return nn.Affine(x, 1, n) })},
		"And":                {plain: pair(nil, func(a, b int64) int64 { return a & b })},
		"ArgMax":             {plain: argument(func(a, b float64) bool { return a > b }), lower: lowerArgMax},
		"ArgMin":             {plain: argument(func(a, b float64) bool { return a < b })},
		"Asin":               {plain: plainly(math.Asin)},
		"Asinh":              {plain: plainly(math.Asinh)},
		"Atan":               {plain: plainly(math.Atan)},
		"Atanh":              {plain: plainly(math.Atanh)},
		"AveragePool":        {plain: averagePool, lower: lowerAveragePool},
		"BatchNormalization": {plain: batchNormalization, lower: lowerBatchNormalization},
		"Cast":               {plain: cast, lower: lowerCast},
		"CastLike":           {plain: cast},
		"Ceil":               {plain: plainly(math.Ceil)},
		"Celu":               {plain: each(celu)},
		"Clip":               {plain: clip, lower: lowerClip},
		"Concat":             {plain: concat, lower: lowerConcat},
		"Constant":           {plain: constantOf},
		"ConstantOfShape":    {plain: constantOfShape, known: []int{0}},
		"Conv":               {plain: conv, lower: lowerConv},
		"ConvInteger":        {plain: convInteger},
		"ConvTranspose":      {plain: convTranspose, lower: lowerConvTranspose},
		"Cos":                {plain: plainly(math.Cos)},
		"Cosh":               {plain: plainly(math.Cosh)},
		"CumSum":             {plain: cumSum, known: []int{1}},
		"DepthToSpace":       {plain: depthToSpace, lower: lowerDepthToSpace},
		"DequantizeLinear":   {plain: dequantizeLinear},
		"Div": {plain: pair(func(a, b float64) float64 { return a / b }, divide), probe: 1, lower: arithmetic("Div", nn.Div, func(x *nn.Value, n float64, swapped bool) *nn.Value {
			if swapped || n == 0 {
				return nil
			}
			return nn.Affine(x, 1/n, 0)
		})},
		"Dropout":                   {plain: dropout, lower: lowerDropout},
		"DynamicQuantizeLinear":     {plain: dynamicQuantizeLinear},
		"Einsum":                    {plain: einsum},
		"Elu":                       {plain: each(func(n *Node) func(float64) float64 { return elu(n.real("alpha", 1)) }), lower: through(func(n *Node, x *nn.Value) *nn.Value { return nn.ELU(x, n.real("alpha", 1)) })},
		"Equal":                     {plain: compare(func(a, b float64) bool { return a == b }, func(a, b int64) bool { return a == b }), lower: lowerCompare(nn.Equal)},
		"Erf":                       {plain: plainly(math.Erf)},
		"Exp":                       {plain: plainly(math.Exp), lower: function(nn.Exp)},
		"Expand":                    {plain: expand, known: []int{1}},
		"Flatten":                   {plain: flatten, lower: reshaping(lowerFlatten)},
		"Floor":                     {plain: plainly(math.Floor)},
		"Gather":                    {plain: gather, lower: lowerGather},
		"GatherElements":            {plain: gatherElements},
		"GatherND":                  {plain: gatherND},
		"Gelu":                      {plain: each(gelu), lower: through(lowerGelu)},
		"Gemm":                      {plain: gemm, lower: lowerGemm},
		"GlobalAveragePool":         {plain: global(averageOf), lower: lowerGlobalAverage},
		"GlobalLpPool":              {plain: global(normOf)},
		"GlobalMaxPool":             {plain: global(maximumOf), lower: lowerGlobalMax},
		"Greater":                   {plain: compare(func(a, b float64) bool { return a > b }, func(a, b int64) bool { return a > b }), lower: lowerCompare(nn.Greater)},
		"GreaterOrEqual":            {plain: compare(func(a, b float64) bool { return a >= b }, func(a, b int64) bool { return a >= b }), lower: lowerCompare(nn.GreaterEqual)},
		"GroupNormalization":        {plain: groupNormalization, since: 18, lower: lowerGroupNormalization},
		"HardSigmoid":               {plain: each(hardSigmoid), lower: through(lowerHardSigmoid)},
		"HardSwish":                 {plain: plainly(func(x float64) float64 { return x * clamped(x/6+0.5) }), lower: function(nn.Hardswish)},
		"Hardmax":                   {plain: overLines(hardmax)},
		"Identity":                  {plain: identity, lower: lowerIdentity},
		"If":                        {plain: never},
		"InstanceNormalization":     {plain: instanceNormalization, lower: lowerInstanceNormalization},
		"IsInf":                     {plain: test(infinite)},
		"IsNaN":                     {plain: test(func(_ *Node, x float64) bool { return x != x })},
		"LRN":                       {plain: lrn},
		"LayerNormalization":        {plain: layerNormalization, lower: lowerLayerNormalization},
		"LeakyRelu":                 {plain: each(leakyRelu), lower: through(func(n *Node, x *nn.Value) *nn.Value { return nn.LeakyReLU(x, n.real("alpha", 0.01)) })},
		"Less":                      {plain: compare(func(a, b float64) bool { return a < b }, func(a, b int64) bool { return a < b }), lower: lowerCompare(nn.Less)},
		"LessOrEqual":               {plain: compare(func(a, b float64) bool { return a <= b }, func(a, b int64) bool { return a <= b }), lower: lowerCompare(nn.LessEqual)},
		"Log":                       {plain: plainly(math.Log), lower: function(nn.Log)},
		"LogSoftmax":                {plain: overLines(logSoftmax), lower: alongLines(nn.LogSoftmax)},
		"LpNormalization":           {plain: lpNormalization},
		"LpPool":                    {plain: lpPool, since: 2},
		"MatMul":                    {plain: matMul, lower: lowerMatMul},
		"MatMulInteger":             {plain: matMulInteger},
		"Max":                       {plain: several(largest, func(a, b int64) int64 { return max(a, b) })},
		"MaxPool":                   {plain: maxPool, lower: lowerMaxPool},
		"Mean":                      {plain: mean},
		"MeanVarianceNormalization": {plain: meanVarianceNormalization},
		"Min":                       {plain: several(smallest, func(a, b int64) int64 { return min(a, b) })},
		"Mish":                      {plain: plainly(func(x float64) float64 { return x * math.Tanh(softplus(x)) }), lower: function(nn.Mish)},
		"Mod":                       {plain: modulo, probe: 1},
		"Mul":                       {plain: pair(func(a, b float64) float64 { return a * b }, func(a, b int64) int64 { return a * b }), lower: arithmetic("Mul", nn.Mul, func(x *nn.Value, n float64, _ bool) *nn.Value { return nn.Affine(x, n, 0) })},
		"Neg":                       {plain: eachNumber(func(x float64) float64 { return -x }, func(n int64) int64 { return -n }), lower: function(func(x *nn.Value) *nn.Value { return nn.Affine(x, -1, 0) })},
		"Not":                       {plain: not},
		"OneHot":                    {plain: oneHot, known: []int{1}},
		"Or":                        {plain: pair(nil, func(a, b int64) int64 { return a | b })},
		"PRelu":                     {plain: prelu, lower: lowerPRelu},
		"Pad":                       {plain: pad, known: []int{1, 3}, lower: lowerPad},
		"Pow":                       {plain: power, lower: lowerPow},
		"QLinearConv":               {plain: qLinearConv},
		"QLinearMatMul":             {plain: qLinearMatMul},
		"QuantizeLinear":            {plain: quantizeLinear},
		"Range":                     {plain: rangeOf, known: []int{0, 1, 2}},
		"Reciprocal":                {plain: plainly(func(x float64) float64 { return 1 / x })},
		"ReduceL1":                  {plain: reduce, known: []int{1}},
		"ReduceL2":                  {plain: reduce, known: []int{1}},
		"ReduceLogSum":              {plain: reduce, known: []int{1}},
		"ReduceLogSumExp":           {plain: reduceLogSumExp, known: []int{1}},
		"ReduceMax":                 {plain: reduce, known: []int{1}, lower: reducing(nn.Max)},
		"ReduceMean":                {plain: reduce, known: []int{1}, lower: reducing(nn.Mean)},
		"ReduceMin":                 {plain: reduce, known: []int{1}},
		"ReduceProd":                {plain: reduce, known: []int{1}},
		"ReduceSum":                 {plain: reduce, known: []int{1}, lower: reducing(nn.Sum)},
		"ReduceSumSquare":           {plain: reduce, known: []int{1}},
		"Relu":                      {plain: eachNumber(relu, func(n int64) int64 { return max(n, 0) }), lower: function(nn.ReLU)},
		"Reshape":                   {plain: reshape, known: []int{1}, lower: reshaping(lowerReshape)},
		"Resize":                    {plain: resize, known: []int{1, 2, 3}, lower: lowerResize},
		"Round":                     {plain: plainly(math.RoundToEven)},
		"Selu":                      {plain: each(selu), since: 6, lower: through(lowerSelu)},
		"Shape":                     {plain: shapeOf},
		"Shrink":                    {plain: each(shrink)},
		"Sigmoid":                   {plain: plainly(sigmoid), lower: function(nn.Sigmoid)},
		"Sign":                      {plain: eachNumber(sign, func(n int64) int64 { return int64(sign(float64(n))) })},
		"Sin":                       {plain: plainly(math.Sin)},
		"Sinh":                      {plain: plainly(math.Sinh)},
		"Size":                      {plain: sizeOf},
		"Slice":                     {plain: slice, known: []int{1, 2, 3, 4}, lower: lowerSlice},
		"Softmax":                   {plain: overLines(softmax), lower: alongLines(nn.Softmax)},
		"Softplus":                  {plain: plainly(softplus), lower: function(func(x *nn.Value) *nn.Value { return nn.Softplus(x, 1, sameFrom) })},
		"Softsign":                  {plain: plainly(func(x float64) float64 { return x / (1 + math.Abs(x)) })},
		"SpaceToDepth":              {plain: spaceToDepth},
		"Split":                     {plain: splitParts, known: []int{1}, since: 2, lower: lowerSplit},
		"Sqrt":                      {plain: plainly(math.Sqrt), lower: function(nn.Sqrt)},
		"Squeeze":                   {plain: squeeze, known: []int{1}, lower: reshaping(lowerSqueeze)},
		"Sub": {plain: pair(func(a, b float64) float64 { return a - b }, func(a, b int64) int64 { return a - b }), lower: arithmetic("Sub", nn.Sub, func(x *nn.Value, n float64, swapped bool) *nn.Value {
			if swapped {
				return nn.Affine(x, -1, n)
			}
			return nn.Affine(x, 1, -n)
		})},
		"Sum":             {plain: several(func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }), lower: lowerSum},
		"Swish":           {plain: each(swish)},
		"Tan":             {plain: plainly(math.Tan)},
		"Tanh":            {plain: plainly(math.Tanh), lower: function(nn.Tanh)},
		"ThresholdedRelu": {plain: each(thresholded)},
		"Tile":            {plain: tile, known: []int{1}, since: 6},
		"TopK":            {plain: topK, known: []int{1}},
		"Transpose":       {plain: transpose, lower: lowerTranspose},
		"Unsqueeze":       {plain: unsqueeze, known: []int{1}, lower: reshaping(lowerUnsqueeze)},
		"Upsample":        {plain: resize, known: []int{1}, since: 7, lower: lowerResize},
		"Where":           {plain: where, lower: lowerWhere},
		"Xor":             {plain: pair(nil, func(a, b int64) int64 { return a ^ b })},
	}
}

// never is the definition of what the network does itself.
func never(*call) []*Tensor {
	refuse("has no definition of its own")
	return nil
}
