package kernel

import "math"

// plainForms are the forms in plain Go. Conversions keep products from being rounded
// together with the sums that they are in, which some processors would do.
var plainForms = [formCount]struct {
	value, slope func(c Curve, x float32) float32
}{
	Clamp: {func(c Curve, x float32) float32 { return within(x, c.A, c.B) }, func(c Curve, y float32) float32 {
		if y <= c.A || y >= c.B {
			return 0
		}
		return 1
	}},
	LeakyReLU: {func(c Curve, x float32) float32 {
		if x < 0 {
			return c.A * x
		}
		return x
	}, func(c Curve, x float32) float32 {
		if x > 0 {
			return 1
		}
		return c.A
	}},
	ELU: {func(c Curve, x float32) float32 {
		if x > 0 {
			return c.A * x
		}
		return c.B * expm1Plain(x)
	}, func(c Curve, x float32) float32 {
		if x > 0 {
			return c.A
		}
		return c.B * expPlain(x)
	}},
	Exp: {func(c Curve, x float32) float32 {
		p, s := exponentialPlain(within(x-c.A, smallEx2, largeExp), wholes2)
		return 2 * (float32(s*p) + s)
	}, func(_ Curve, y float32) float32 { return y }},
	Sigmoid: {func(_ Curve, x float32) float32 {
		high, low := sigmoidPlain(expPlain(negativeMagnitude(x)))
		return choosePlain(x, low, high)
	},
		func(_ Curve, y float32) float32 { return float32(y * (1 - y)) }},
	SiLU: {func(_ Curve, x float32) float32 {
		high, low := sigmoidPlain(expPlain(negativeMagnitude(x)))
		if x < -100 {
			x = -100 // of minus infinity, too, this is zero
		}
		return x * choosePlain(x, low, high)
	}, func(_ Curve, x float32) float32 {
		high, low := sigmoidPlain(expPlain(negativeMagnitude(x)))
		return choosePlain(x, low, high) + float32(x*float32(high*low))
	}},
	Tanh: {func(_ Curve, x float32) float32 {
		t := expm1Plain(2 * negativeMagnitude(x))
		t /= t + 2
		return choosePlain(x, negativeMagnitude(t), -negativeMagnitude(t))
	}, func(_ Curve, y float32) float32 { return 1 - float32(y*y) }},
	GELU: {func(_ Curve, x float32) float32 { share, _ := normalPlain(x); return x * share },
		func(_ Curve, x float32) float32 {
			share, e := normalPlain(x)
			return share + float32(x*float32(e*normalDensity))
		}},
	GELUTanh: {func(_ Curve, x float32) float32 {
		s, _, _ := geluTanhPlain(x)
		return x * s
	}, func(_ Curve, x float32) float32 {
		s, product, square := geluTanhPlain(x)
		return s + float32(x*float32(product*(geluScale+float32(3*geluCube*square))))
	}},
	Mish: {func(_ Curve, x float32) float32 {
		n, d, _ := mishPlain(x, expPlain(negativeMagnitude(x)))
		return x * (n / d)
	}, func(_ Curve, x float32) float32 {
		e := expPlain(negativeMagnitude(x))
		n, d, r := mishPlain(x, e)
		t := n / d
		high, low := sigmoidPlain(e)
		return t + float32(x*float32(float32(r/d*(1+t))*choosePlain(x, low, high)))
	}},
	Softplus: {func(c Curve, x float32) float32 {
		u := float32(x * c.A)
		if u > c.B {
			return x
		}
		e := expPlain(negativeMagnitude(u))
		s := e / (e + 2)
		z := float32(s * s)
		w := float32(z*(float32(z*(float32(z*(float32(z*log4)+log3))+log2))+log1)) + log0
		l := s + float32(float32(s*z)*w)
		return (2*l + choosePlain(u, 0, u)) / c.A
	}, func(c Curve, x float32) float32 {
		u := float32(x * c.A)
		if u > c.B {
			return 1
		}
		high, low := sigmoidPlain(expPlain(negativeMagnitude(u)))
		return choosePlain(u, low, high)
	}},
	Hardsigmoid: {func(_ Curve, x float32) float32 { return within(x+hardHigh, 0, six) * sixth },
		func(_ Curve, x float32) float32 {
			if hardLow < x && x < hardHigh {
				return sixth
			}
			return 0
		}},
	Hardswish: {func(_ Curve, x float32) float32 {
		if x < hardLow {
			x = hardLow
		}
		return x * (within(x+hardHigh, 0, six) * sixth)
	}, func(_ Curve, x float32) float32 {
		switch {
		case x < hardLow:
			return 0
		case x > hardHigh:
			return 1
		}
		return 0.5 + float32(x*(2*sixth))
	}},
}

func curveValuesPlain(c Curve, y, x []float32) {
	value := plainForms[c.Form].value
	for i, v := range x[:len(y)] {
		y[i] = value(c, v)
	}
}

func curveSlopesPlain(c Curve, dx, dy, at []float32) {
	slope := plainForms[c.Form].slope
	dy, at = dy[:len(dx)], at[:len(dx)]
	for i := range dx {
		dx[i] += float32(dy[i] * slope(c, at[i]))
	}
}

// negativeMagnitude is -|x|.
func negativeMagnitude(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) | 1<<31)
}

// choosePlain is negative where the sign of x is set, else positive: without a
// branch, since no processor guesses signs.
func choosePlain(x, negative, positive float32) float32 {
	mask := uint32(int32(math.Float32bits(x)) >> 31)
	return math.Float32frombits(math.Float32bits(negative)&mask | math.Float32bits(positive)&^mask)
}

// within is x, but at least low and at most high. A NaN stays one.
func within(x, low, high float32) float32 {
	if x < low {
		return low
	}
	if x > high {
		return high
	}
	return x
}

// exponentialPlain returns p and s, a power of 2, such that s*p + s is e^x; with wholes2
// it is half of that.
func exponentialPlain(x, wholes float32) (p, s float32) {
	t := float32(x*log2e) + wholes
	n := t - wholes
	r := x - float32(n*ln2High) - float32(n*ln2Low)
	q := float32(r*(float32(r*(float32(r*(float32(r*exp4)+exp3))+exp2))+exp1)) + exp0
	return r + float32(float32(r*r)*q), math.Float32frombits(math.Float32bits(t) << 23)
}

// expPlain is e^x for x of at most 0.
func expPlain(x float32) float32 {
	if x < smallExp {
		x = smallExp
	}
	p, s := exponentialPlain(x, wholes)
	return float32(s*p) + s
}

// expm1Plain is e^x - 1 for x of at most 0.
func expm1Plain(x float32) float32 {
	if x < smallExp {
		x = smallExp
	}
	p, s := exponentialPlain(x, wholes)
	return float32(s*p) + (s - 1)
}

// sigmoidPlain returns the sigmoids of |x| and -|x|, of e^-|x|.
func sigmoidPlain(e float32) (high, low float32) {
	high = 1 / (1 + e)
	return high, e * high
}

// normalPlain returns the normal distribution's share below x, and e^(-x²/2).
func normalPlain(x float32) (share, e float32) {
	e = expPlain(float32(-0.5*x) * x)
	t := 1 / (1 - float32(tailScale*negativeMagnitude(x)))
	sum := float32(t*(float32(t*(float32(t*(float32(t*tail8)+tail7))+tail6))+tail5)) + tail4
	sum = float32(t*(float32(t*(float32(t*sum)+tail3))+tail2)) + tail1
	low := float32(sum*t) * e
	return choosePlain(x, low, 1-low), e
}

// geluTanhPlain returns the sigmoid that GELU's formula with tanh has, its product with
// that of the opposite, and the square.
func geluTanhPlain(x float32) (s, product, square float32) {
	x = within(x, -geluLimit, geluLimit)
	square = float32(x * x)
	high, low := sigmoidPlain(expPlain(negativeMagnitude(x * (geluScale + float32(geluCube*square)))))
	return choosePlain(x, low, high), high * low, square
}

// mishPlain returns numerator, denominator and their difference of
// tanh(log(1+e^x)) = ((1+e^x)²-1)/((1+e^x)²+1), of e = e^-|x|.
func mishPlain(x, e float32) (n, d, r float32) {
	square := float32(e * e)
	n = choosePlain(x, square+2*e, 1+2*e)
	r = choosePlain(x, 2, 2*square)
	return n, n + r, r
}
