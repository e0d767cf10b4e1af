package kernel

// Form names a function of one number that kernels go through arrays with: smooth
// activations and their like. A and B are the settings of a Curve.
type Form uint8

// The forms. The slope of those that say so is a function of their value.
const (
	NoForm      Form = iota
	Clamp            // min(max(x, A), B); slope of the value
	LeakyReLU        // x, below 0 A*x
	ELU              // A*x, below 0 B*(exp(x)-1)
	Exp              // exp(x-A); slope of the value
	Sigmoid          // 1/(1+exp(-x)); slope of the value
	SiLU             // x*sigmoid(x)
	Tanh             // tanh(x); slope of the value
	GELU             // x times the normal distribution's share below x
	GELUTanh         // GELU by the formula with tanh
	Mish             // x*tanh(log(1+exp(x)))
	Softplus         // log(1+exp(A*x))/A, and x where A*x is above B
	Hardsigmoid      // min(max(x+3, 0), 6)/6
	Hardswish        // x*hardsigmoid(x)
	formCount
)

// Curve is a form with its settings. The zero Curve is none.
//
// Values and slopes are within CurveError of the function, relative to the largest of
// 1, |x| and their own magnitude, for every x; a NaN stays one. An element's bits depend on
// neither its place nor the others.
type Curve struct {
	Form Form
	A, B float32
}

// CurveError bounds the error of a Curve: two units in the last place of 1.
const CurveError = 2. / (1 << 23)

// Values sets y[i] to the curve at x[i], for i < len(y). y may be x.
func (c Curve) Values(y, x []float32) {
	if len(y) > 0 {
		active.CurveValues(c, y, x)
	}
}

// AddSlopes adds to dx[i] the gradient dy[i] times the slope, for i < len(dx). at is
// the values where the form's slope is of these, and what the values are of elsewhere.
func (c Curve) AddSlopes(dx, dy, at []float32) {
	if len(dx) > 0 {
		active.CurveSlopes(c, dx, dy, at)
	}
}

// Exponentials are computed of e^x = 2^n * e^r with n whole and |r| at most ln(2)/2
// (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980), where
// ln(2) is a number of few bits, whose product with n is exact, and a rest. Adding
// wholes rounds to whole numbers and puts n + 127, a float32's exponent, into the lowest
// bits. e^r - 1 is r + r² times a polynomial; testdata/curves.py makes the polynomials.
const (
	log2e    = 1.44269504088896341
	ln2High  = 355. / 512
	ln2Low   = -2.121944400546905827679e-4
	wholes   = 3<<22 + 127
	wholes2  = wholes - 1 // for 2^(n-1)
	smallExp = -88        // from where on 2^n is zero
	smallEx2 = -87.3      // from where on 2^(n-1) is
	largeExp = 89         // from where on exp is infinite

	exp0, exp1, exp2, exp3, exp4 = 0.5, 0.1666651884, 0.04166620581, 0.008368889355, 0.001395049057
)

// log(1+e) is 2*atanh(s) with s = e/(2+e), and atanh(s) is s + s³ times a polynomial of
// s² (J. F. Hart and others, Computer Approximations, 1968).
const log0, log1, log2, log3, log4 = 0.3333333745, 0.1999946527, 0.1430780572, 0.1072009842, 0.1212872361

// The normal distribution's share below -z is e^(-z²/2) times a polynomial of
// t = 1/(1+tailScale*z) without a constant (the form is C. Hastings', Approximations for Digital
// Computers, 1955; M. Abramowitz and I. Stegun, 7.1.26).
const (
	tailScale              = 0.28
	tail1, tail2           = 0.1110272507, 0.1206783753
	tail3, tail4           = 0.05172635359, 0.248898368
	tail5, tail6           = -0.2542171706, 0.4006704465
	tail7, tail8           = -0.2189691735, 0.04018554728
	normalDensity          = 0.3989422804014327 // of the normal distribution, at 0
	geluScale              = 1.5957691216057308 // 2*sqrt(2/pi)
	geluCube               = geluScale * 0.044715
	geluLimit              = 16 // beyond which tanh is 1
	sixth                  = 1. / 6
	hardLow, hardHigh, six = -3, 3, 6
)
