package nn

import "inkling/internal/kernel"

// The kernels that compute functions in float32. In float64 each is its definition, which
// the kernels are held to. Functions that are in no network's inner loop have none.

func (c clamp) curve() kernel.Curve {
	if !(c.low <= c.high) {
		return kernel.Curve{}
	}
	return kernel.Curve{Form: kernel.Clamp, A: float32(c.low), B: float32(c.high)}
}

func (l leakyReLU) curve() kernel.Curve {
	return kernel.Curve{Form: kernel.LeakyReLU, A: float32(l.negative)}
}

func (e elu) curve() kernel.Curve {
	return kernel.Curve{Form: kernel.ELU, A: float32(e.scale), B: float32(e.scale * e.alpha)}
}

func (s softplus) curve() kernel.Curve {
	return kernel.Curve{Form: kernel.Softplus, A: float32(s.beta), B: float32(s.threshold)}
}

func (exponential) curve() kernel.Curve { return kernel.Curve{Form: kernel.Exp} }
func (sigmoid) curve() kernel.Curve     { return kernel.Curve{Form: kernel.Sigmoid} }
func (silu) curve() kernel.Curve        { return kernel.Curve{Form: kernel.SiLU} }
func (tanh) curve() kernel.Curve        { return kernel.Curve{Form: kernel.Tanh} }
func (gelu) curve() kernel.Curve        { return kernel.Curve{Form: kernel.GELU} }
func (geluTanh) curve() kernel.Curve    { return kernel.Curve{Form: kernel.GELUTanh} }
func (mish) curve() kernel.Curve        { return kernel.Curve{Form: kernel.Mish} }
func (hardsigmoid) curve() kernel.Curve { return kernel.Curve{Form: kernel.Hardsigmoid} }
func (hardswish) curve() kernel.Curve   { return kernel.Curve{Form: kernel.Hardswish} }

func (affine) curve() kernel.Curve    { return kernel.Curve{} }
func (logarithm) curve() kernel.Curve { return kernel.Curve{} }
func (root) curve() kernel.Curve      { return kernel.Curve{} }
func (magnitude) curve() kernel.Curve { return kernel.Curve{} }
