package kernel

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Set is the kernels of one family of processors. A field that is nil means
// plain Go, whose set has them all; the function that calls it (Forward for
// Forward) states the contract, and a field says only what it may take for granted
// beyond that.
type Set struct {
	Name string

	// The convolution that LeNet's layers run; see Conv.
	Forward        func(c *Conv, in, packed, bias, out []float32, chosen []uint8)
	Pack           func(c *Conv, packed, weights []float32, from, to int)
	Collect        func(pairs []Pair, count int, relu bool, out []float32, chosen []uint8, outStep int, gradient []float32, gradientStep int, offsets []int32) int
	WeightGradient func(c *Conv, filter, in []float32, pairs []Pair) (bias float32)
	InputGradient  func(c *Conv, gradient, filters, out []float32, chosen []uint8, slopes []float32, pixelStep, channelStep int, offsets []int32)

	// TileBlocks is how many blocks IndirectTile and PointTiles can take at a time,
	// PanelBlocks how many PanelProduct and OuterBlocks how many OuterTile; 0 is 1. Plain Go
	// could take any; it has as many as any other set, so that whoever calls is tested with
	// several.
	TileBlocks, PanelBlocks, OuterBlocks int

	// The tiles of dense convolutions; pairs and count are never empty.
	IndirectTile  func(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, depth, blocks, blockStep int, limits *Limits)
	DepthwiseTile func(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, blocks int, limits *Limits)
	PointTiles    func(out, in, weights, bias, base []float32, rows, tiles, depth, inStep, outStep, blocks, blockStep int, limits *Limits)
	OuterTile     func(sums, a, b []float32, pairs []int32, rows, blocks, sumsStep, bStep int)
	ProductTile   func(sums, a, b []float32, pairs []int32)
	CopyRows      func(to, from []float32, count, width, toStep, fromStep int)

	// The tiles of pictures that lie as planes.
	StripTiles func(out, in, weights, bias, base []float32, offsets []int32, rows, tiles, inStep, outStep int, limits *Limits)
	StripSums  func(sums, in, slopes []float32, offsets []int32, height, width, inRow, inStep, slopeRow, slopeStep int)

	// The transforms and products of Winograd's convolutions.
	WinogradGather  func(m *WinogradMatrix, out, in, zeros, scratch []float32, table []int32, blocks, outStep, blockStep int)
	WinogradScatter func(m *WinogradMatrix, out, in, bias, base, scratch []float32, table []int32, inStep int, limits *Limits)
	PanelProduct    func(out, in, weights []float32, rows, depth, panel, blocks, outStep, blockStep int)

	// Normalisations of pictures with the channels innermost.
	ChannelSums     func(sums []float64, x []float32, pixels, step int)
	ChannelSquares  func(squares, means []float64, x []float32, pixels, step int)
	ScaleChannels   func(y, x []float32, scale, shift []float64, pixels, step int, low, high float32)
	ChannelProducts func(sums, products, means []float64, slopes, x, y []float32, pixels, step int, low, high float32)
	CombineChannels func(dx, slopes, x, y []float32, a, b, c []float64, pixels, step int, low, high float32, adds bool)

	// Poolings get channels that are a positive multiple of 8, and count is never 0.
	MaxPool         func(out, in []float32, chosen, table []int32, window, channels, outStep, chosenStep int)
	MaxPoolGradient func(gradient, slopes []float32, chosen, table []int32, window, channels, step, chosenStep int, adds bool)

	// Curves get at least one element.
	CurveValues func(c Curve, y, x []float32)
	CurveSlopes func(c Curve, dx, dy, at []float32)

	LinearForward func(y, x, w, bias []float32, n, outputs, depth, yStride, xStride int, relu bool)
	MatMul        func(c, a, b []float32, rows, columns, depth, cStride, aRow, aColumn, bStride int, accumulate bool)

	Transpose8 func(to, from []float32, toStep, fromStep int)

	// Elementwise kernels get a positive multiple of 8 elements; what is left over
	// is done in plain Go.
	Add          func(y, x []float32)
	Rectify      func(y []float32)
	MaskPositive func(gradient, output []float32)
	UpdateSGD    func(s SGD, weights, gradient, momentum []float32) // momentum is not nil
	UpdateAdam   func(a *Adam, parameter, gradient, means, squares []float32)

	// PeakLoop goes so many times through a loop of PeakOperations independent
	// floating-point operations on registers, for MeasurePeak. Plain Go has none.
	PeakLoop       func(rounds uint64)
	PeakOperations int
	// LoadLoop goes so many times over 128 floats and reads each, for MeasureLoad.
	LoadLoop func(rounds uint64, from []float32)
}

var plain = Set{
	Name:            plainName,
	TileBlocks:      4,
	PanelBlocks:     2,
	OuterBlocks:     2,
	Forward:         forwardPlain,
	Pack:            packPlain,
	Collect:         collectPlain,
	WeightGradient:  weightGradientPlain,
	InputGradient:   inputGradientPlain,
	IndirectTile:    indirectTilePlain,
	DepthwiseTile:   depthwiseTilePlain,
	PointTiles:      pointTilesPlain,
	OuterTile:       outerTilePlain,
	ProductTile:     productTilePlain,
	CopyRows:        copyRowsPlain,
	StripTiles:      stripTilesPlain,
	StripSums:       stripSumsPlain,
	WinogradGather:  winogradGatherPlain,
	WinogradScatter: winogradScatterPlain,
	PanelProduct:    panelProductPlain,
	ChannelSums:     channelSumsPlain,
	ChannelSquares:  channelSquaresPlain,
	ScaleChannels:   scaleChannelsPlain,
	ChannelProducts: channelProductsPlain,
	CombineChannels: combineChannelsPlain,
	MaxPool:         maxPoolPlain,
	MaxPoolGradient: maxPoolGradientPlain,
	CurveValues:     curveValuesPlain,
	CurveSlopes:     curveSlopesPlain,
	LinearForward:   linearForwardPlain,
	MatMul:          matMulPlain,
	Transpose8:      transpose8Plain,
	Add:             addPlain,
	Rectify:         rectifyPlain,
	MaskPositive:    maskPositivePlain,
	UpdateSGD:       updateSGDPlain,
	UpdateAdam:      updateAdamPlain,
}

// Variable is the environment variable that names the set to use.
const Variable = "INKLING_KERNELS"

// plainName is the name of the set of plain Go, which every processor runs.
const plainName = "go"

// families are the names of all sets, those of other processors and of builds with
// other tags too.
var families = []string{plainName, "avx2", "avx512", "neon"}

// candidate is a set in this program.
type candidate struct {
	Set
	// lacking is what the processor would have to have to run it; "" if it can.
	lacking string
}

// candidates are the sets in this program, a better one behind a worse.
var candidates = []candidate{{Set: plain}}

// active is the set in use, with plain Go where it has nothing of its own.
var active = plain

// refusal is why the set that the environment asks for is not used.
var refusal error

func init() { refusal = choose(os.Getenv(Variable)) }

// register adds a set that is better than all before.
func register(c candidate) {
	candidates = append(candidates, c)
	refusal = choose(os.Getenv(Variable))
}

// choose puts a set in use: the one of that name, or the best for "".
func choose(name string) error {
	if name == "" {
		for _, c := range candidates {
			if c.lacking == "" {
				active = complete(c.Set)
			}
		}
		return nil
	}
	at := slices.IndexFunc(candidates, func(c candidate) bool { return c.Name == name })
	switch {
	case at < 0 && !slices.Contains(families, name):
		return fmt.Errorf("%s is %q, which is no set of kernels; this machine runs %s", Variable, name, among(Names()))
	case at < 0:
		return fmt.Errorf("%s is %q, which this program was built without; it runs %s", Variable, name, among(Names()))
	case candidates[at].lacking != "":
		return fmt.Errorf("%s is %q, but this processor lacks %s; it runs %s", Variable, name, candidates[at].lacking, among(Names()))
	}
	active = complete(candidates[at].Set)
	return nil
}

// among lists names for an error: "go, avx2 and avx512".
func among(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// complete puts plain Go's functions where a set has none.
func complete(s Set) Set {
	to, from := reflect.ValueOf(&s).Elem(), reflect.ValueOf(plain)
	for i := range to.NumField() {
		if f := to.Field(i); f.Kind() == reflect.Func && f.IsNil() {
			f.Set(from.Field(i))
		}
	}
	return s
}

// Implementation names the set of kernels in use: "go", "avx2" and so on.
func Implementation() string { return active.Name }

// Names returns the names of the sets that this machine can run; the first is
// "go".
func Names() []string {
	var names []string
	for _, c := range candidates {
		if c.lacking == "" {
			names = append(names, c.Name)
		}
	}
	return names
}

// Err returns why the set that the environment variable INKLING_KERNELS asks for
// cannot be used, and nil if it is in use or none is asked for. Nothing should be
// computed where there is an error: it would be with other kernels.
func Err() error { return refusal }

// Use puts the set of that name in use, and the one from the start again for "". It
// is for tests: no kernel may be running, and no program that was compiled before
// may run after.
func Use(name string) error {
	if name == "" {
		name = os.Getenv(Variable)
	}
	return choose(name)
}
