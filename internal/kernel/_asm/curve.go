package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// curve writes a form of Curve: what it is of a vector, and its slope. Neither may change
// what it is given.
type curve struct {
	name         string
	value, slope func(x reg.VecVirtual) reg.VecVirtual
}

// The settings of the function that is being written.
var a, b reg.VecVirtual

// curves writes the forms of curve.go, which says where the numbers come from.
func curves() {
	for _, c := range curveForms {
		pass(c.name+"Values", "y, x []float32", "y", []string{"x"}, func(v []reg.VecVirtual) reg.VecVirtual { return c.value(v[0]) })
		pass(c.name+"Slopes", "dx, dy, at []float32", "dx", []string{"dx", "dy", "at"}, func(v []reg.VecVirtual) reg.VecVirtual {
			slope := c.slope(v[2])
			VFMADD213PS(v[0], v[1], slope)
			return slope
		})
	}
}

// pass writes a function that goes through arrays by vectors, the last of which is a
// part of one.
func pass(name, arrays, to string, from []string, body func(v []reg.VecVirtual) reg.VecVirtual) {
	TEXT(name, NOSPLIT, "func("+arrays+", a, b float32)")
	Doc(name + " is a pass of Curve; len(" + to + ") is at least 1.")
	y, n := data(to), length(to)
	a, b = broadcast("a"), broadcast("b")
	pointers := []reg.Register{y}
	inputs := make([]reg.Register, len(from))
	for i, name := range from {
		if name == to {
			inputs[i] = y
		} else {
			inputs[i] = data(name)
			pointers = append(pointers, inputs[i])
		}
	}
	SUBQ(Imm(8), n)
	JL(LabelRef("rest"))
	Label("next")
	v := ymms(len(from))
	for i, p := range inputs {
		VMOVUPS(at(p, 0), v[i])
	}
	VMOVUPS(body(v), at(y, 0))
	for _, p := range pointers {
		ADDQ(Imm(32), p)
	}
	SUBQ(Imm(8), n)
	JGE(LabelRef("next"))
	Label("rest")
	ADDQ(Imm(8), n)
	JZ(LabelRef("done"))
	masks, mask := GP64(), YMM()
	LEAQ(restMasks(), masks)
	SHLQ(Imm(2), n)
	SUBQ(n, masks)
	VMOVUPS(at(masks, 32), mask)
	v = ymms(len(from))
	for i, p := range inputs {
		VMASKMOVPS(at(p, 0), mask, v[i])
	}
	VMASKMOVPS(body(v), mask, at(y, 0))
	Label("done")
	VZEROUPPER()
	RET()
}

// restMasks is eight lanes that are set and eight that are not.
func restMasks() Mem {
	const name = "curveMasks"
	if _, ok := curveNumbers[name]; !ok {
		curveNumbers[name] = GLOBL(name, RODATA|NOPTR)
		for i := range 16 {
			var lane uint32
			if i < 8 {
				lane = math.MaxUint32
			}
			DATA(4*i, U32(lane))
		}
	}
	return curveNumbers[name]
}

var curveNumbers = map[string]Mem{}

// number is a vector of one number in memory.
func number(v float64) Mem { return bits(math.Float32bits(float32(v))) }

func bits(v uint32) Mem {
	name := fmt.Sprintf("curve%08x", v)
	if _, ok := curveNumbers[name]; !ok {
		curveNumbers[name] = GLOBL(name, RODATA|NOPTR)
		for i := range 4 {
			DATA(8*i, U64(uint64(v)<<32|uint64(v)))
		}
	}
	return curveNumbers[name]
}

func vector(from Op) reg.VecVirtual {
	v := YMM()
	VMOVUPS(from, v)
	return v
}

const (
	signBit   = 1 << 31
	magnitude = signBit - 1

	log2e   = 1.44269504088896341
	ln2High = 355. / 512
	ln2Low  = -2.121944400546905827679e-4
	wholes  = 3<<22 + 127

	geluScale = 1.5957691216057308
	geluCube  = geluScale * 0.044715
)

var (
	expNumbers  = []float64{0.001395049057, 0.008368889355, 0.04166620581, 0.1666651884, 0.5}
	logNumbers  = []float64{0.1212872361, 0.1072009842, 0.1430780572, 0.1999946527, 0.3333333745}
	tailNumbers = []float64{0.04018554728, -0.2189691735, 0.4006704465, -0.2542171706, 0.248898368, 0.05172635359, 0.1206783753, 0.1110272507}
)

// Functions of vectors, each with a result of its own.

func add(x, y Op) reg.VecVirtual         { return binary(VADDPS, y, x) }
func multiply(x, y Op) reg.VecVirtual    { return binary(VMULPS, y, x) }
func and(x, y Op) reg.VecVirtual         { return binary(VANDPS, y, x) }
func or(x, y Op) reg.VecVirtual          { return binary(VORPS, y, x) }
func subtract(x, y Op) reg.VecVirtual    { return binary(VSUBPS, y, x) } // x - y
func divide(x, y Op) reg.VecVirtual      { return binary(VDIVPS, y, x) } // x / y
func atLeast(x, bound Op) reg.VecVirtual { return binary(VMAXPS, x, vector(bound)) }
func atMost(x, bound Op) reg.VecVirtual  { return binary(VMINPS, x, vector(bound)) } // as atLeast keeps a NaN in x

func binary(f func(ops ...Op), x, y Op) reg.VecVirtual {
	v := YMM()
	f(x, y, v)
	return v
}

// compare is a mask of where x and y are related as the predicate says.
func compare(predicate uint8, x, y Op) reg.VecVirtual {
	v := YMM()
	VCMPPS(Imm(uint64(predicate)), y, x, v)
	return v
}

const (
	less       = 0x11
	notAtMost  = 0x16 // or a NaN
	notAtLeast = 0x19 // or a NaN
	above      = 0x1e
)

// choose is yes where the mask's sign is set, else no.
func choose(mask, yes, no Op) reg.VecVirtual {
	v := YMM()
	VBLENDVPS(mask, yes, no, v)
	return v
}

// horner computes a polynomial whose numbers go downwards.
func horner(x Op, numbers []float64) reg.VecVirtual {
	v := vector(number(numbers[0]))
	for _, c := range numbers[1:] {
		VFMADD213PS(number(c), x, v)
	}
	return v
}

// sumOf is x*y + z.
func sumOf(x, y, z Op) reg.VecVirtual {
	v := vector(z)
	VFMADD231PS(y, x, v)
	return v
}

// exponential returns p and s such that e^x = s*p + s.
func exponential(x reg.VecVirtual, wholes float64) (p, s reg.VecVirtual) {
	t := sumOf(x, number(log2e), number(wholes))
	n := subtract(t, number(wholes))
	r := vector(x)
	VFNMADD231PS(number(ln2High), n, r)
	VFNMADD231PS(number(ln2Low), n, r)
	s = YMM()
	VPSLLD(Imm(23), t, s)
	p = horner(r, expNumbers)
	VFMADD213PS(r, multiply(r, r), p)
	return p, s
}

// exp is e^x for x of at most 0.
func exp(x reg.VecVirtual) reg.VecVirtual {
	p, s := exponential(atLeast(x, number(-88)), wholes)
	VFMADD213PS(s, s, p)
	return p
}

// expm1 is e^x - 1 for x of at most 0.
func expm1(x reg.VecVirtual) reg.VecVirtual {
	p, s := exponential(atLeast(x, number(-88)), wholes)
	VFMADD213PS(subtract(s, number(1)), s, p)
	return p
}

func minusMagnitude(x reg.VecVirtual) reg.VecVirtual { return or(x, bits(signBit)) }

// sigmoid returns the sigmoids of |x| and -|x|, of e^-|x|.
func sigmoid(e reg.VecVirtual) (high, low reg.VecVirtual) {
	high = divide(vector(number(1)), add(e, number(1)))
	return high, multiply(high, e)
}

// sigmoidOf is that of x.
func sigmoidOf(x reg.VecVirtual) reg.VecVirtual {
	high, low := sigmoid(exp(minusMagnitude(x)))
	return choose(x, low, high)
}

// normal returns the normal distribution's share below x, and e^(-x²/2).
func normal(x reg.VecVirtual) (share, e reg.VecVirtual) {
	e = exp(multiply(multiply(x, number(-0.5)), x))
	t := sumOf(and(x, bits(magnitude)), number(0.28), number(1))
	t = divide(vector(number(1)), t)
	low := multiply(multiply(horner(t, tailNumbers), t), e)
	return choose(x, low, subtract(vector(number(1)), low)), e
}

// geluTanh returns the sigmoid that GELU's formula with tanh has, its product with that
// of the opposite, and the square.
func geluTanh(x reg.VecVirtual) (s, product, square reg.VecVirtual) {
	near := atMost(atLeast(x, number(-16)), number(16))
	square = multiply(near, near)
	u := multiply(sumOf(square, number(geluCube), number(geluScale)), near)
	high, low := sigmoid(exp(minusMagnitude(u)))
	return choose(x, low, high), multiply(high, low), square
}

// mish returns numerator, denominator and their difference of tanh(log(1+e^x)), of e^-|x|.
func mish(x, e reg.VecVirtual) (n, d, r reg.VecVirtual) {
	square, twice := multiply(e, e), add(e, e)
	n = choose(x, add(square, twice), add(twice, number(1)))
	r = choose(x, number(2), add(square, square))
	return n, add(n, r), r
}

func hardsigmoid(x reg.VecVirtual) reg.VecVirtual {
	return multiply(atMost(atLeast(add(x, number(3)), number(0)), number(6)), number(1./6))
}

var curveForms = []curve{
	{"clamp", func(x reg.VecVirtual) reg.VecVirtual { return atMost(atLeast(x, a), b) }, func(y reg.VecVirtual) reg.VecVirtual {
		return and(and(compare(notAtMost, y, a), compare(notAtLeast, y, b)), number(1))
	}},
	{"leakyReLU", func(x reg.VecVirtual) reg.VecVirtual {
		return choose(compare(less, x, vector(number(0))), multiply(x, a), x)
	},
		func(x reg.VecVirtual) reg.VecVirtual { return choose(compare(above, x, number(0)), number(1), a) }},
	{"elu", func(x reg.VecVirtual) reg.VecVirtual {
		low := multiply(expm1(atMost(x, number(0))), b)
		return choose(compare(above, x, number(0)), multiply(x, a), low)
	}, func(x reg.VecVirtual) reg.VecVirtual {
		low := multiply(exp(atMost(x, number(0))), b)
		return choose(compare(above, x, number(0)), a, low)
	}},
	{"exp", func(x reg.VecVirtual) reg.VecVirtual {
		p, s := exponential(atMost(atLeast(subtract(x, a), number(-87.3)), number(89)), wholes-1)
		VFMADD213PS(s, s, p)
		return add(p, p)
	}, func(y reg.VecVirtual) reg.VecVirtual { return vector(y) }},
	{"sigmoid", sigmoidOf, func(y reg.VecVirtual) reg.VecVirtual { return multiply(subtract(vector(number(1)), y), y) }},
	{"silu", func(x reg.VecVirtual) reg.VecVirtual { return multiply(sigmoidOf(x), atLeast(x, number(-100))) },
		func(x reg.VecVirtual) reg.VecVirtual {
			high, low := sigmoid(exp(minusMagnitude(x)))
			return sumOf(multiply(high, low), x, choose(x, low, high))
		}},
	{"tanh", func(x reg.VecVirtual) reg.VecVirtual {
		t := minusMagnitude(x)
		t = expm1(add(t, t))
		t = divide(t, add(t, number(2)))
		return or(and(t, bits(magnitude)), and(x, bits(signBit)))
	}, func(y reg.VecVirtual) reg.VecVirtual {
		slope := vector(number(1))
		VFNMADD231PS(y, y, slope)
		return slope
	}},
	{"gelu", func(x reg.VecVirtual) reg.VecVirtual {
		share, _ := normal(x)
		return multiply(share, x)
	}, func(x reg.VecVirtual) reg.VecVirtual {
		share, e := normal(x)
		return sumOf(multiply(e, number(0.3989422804014327)), x, share)
	}},
	{"geluTanh", func(x reg.VecVirtual) reg.VecVirtual {
		s, _, _ := geluTanh(x)
		return multiply(s, x)
	}, func(x reg.VecVirtual) reg.VecVirtual {
		s, product, square := geluTanh(x)
		inner := sumOf(square, number(3*geluCube), number(geluScale))
		return sumOf(multiply(product, inner), x, s)
	}},
	{"mish", func(x reg.VecVirtual) reg.VecVirtual {
		n, d, _ := mish(x, exp(minusMagnitude(x)))
		return multiply(divide(n, d), x)
	}, func(x reg.VecVirtual) reg.VecVirtual {
		e := exp(minusMagnitude(x))
		n, d, r := mish(x, e)
		t, rest := divide(n, d), divide(r, d)
		high, low := sigmoid(e)
		product := multiply(multiply(rest, add(t, number(1))), choose(x, low, high))
		return sumOf(product, x, t)
	}},
	{"softplus", func(x reg.VecVirtual) reg.VecVirtual {
		u := multiply(x, a)
		e := exp(minusMagnitude(u))
		s := divide(e, add(e, number(2)))
		z := multiply(s, s)
		l := sumOf(multiply(s, z), horner(z, logNumbers), s)
		sum := add(add(l, l), atLeast(u, number(0)))
		return choose(compare(above, u, b), x, divide(sum, a))
	}, func(x reg.VecVirtual) reg.VecVirtual {
		u := multiply(x, a)
		return choose(compare(above, u, b), number(1), sigmoidOf(u))
	}},
	{"hardsigmoid", hardsigmoid, func(x reg.VecVirtual) reg.VecVirtual {
		inside := and(compare(above, x, number(-3)), compare(less, x, number(3)))
		return and(inside, number(1./6))
	}},
	{"hardswish", func(x reg.VecVirtual) reg.VecVirtual { return multiply(hardsigmoid(x), atLeast(x, number(-3))) },
		func(x reg.VecVirtual) reg.VecVirtual {
			inner := sumOf(x, number(1./3), number(0.5))
			inner = choose(compare(above, x, number(3)), number(1), inner)
			return choose(compare(less, x, number(-3)), number(0), inner)
		}},
}
