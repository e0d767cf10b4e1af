//go:build !purego

package kernel

// curveAssembly are the forms in assembly.
var curveAssembly = [formCount]struct {
	values func(y, x []float32, a, b float32)
	slopes func(dx, dy, at []float32, a, b float32)
}{
	Clamp:       {clampValues, clampSlopes},
	LeakyReLU:   {leakyReLUValues, leakyReLUSlopes},
	ELU:         {eluValues, eluSlopes},
	Exp:         {expValues, expSlopes},
	Sigmoid:     {sigmoidValues, sigmoidSlopes},
	SiLU:        {siluValues, siluSlopes},
	Tanh:        {tanhValues, tanhSlopes},
	GELU:        {geluValues, geluSlopes},
	GELUTanh:    {geluTanhValues, geluTanhSlopes},
	Mish:        {mishValues, mishSlopes},
	Softplus:    {softplusValues, softplusSlopes},
	Hardsigmoid: {hardsigmoidValues, hardsigmoidSlopes},
	Hardswish:   {hardswishValues, hardswishSlopes},
}

func curveValuesAssembly(c Curve, y, x []float32) { curveAssembly[c.Form].values(y, x, c.A, c.B) }

func curveSlopesAssembly(c Curve, dx, dy, at []float32) {
	curveAssembly[c.Form].slopes(dx, dy, at, c.A, c.B)
}
