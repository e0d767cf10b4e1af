package kernel

import "math"

// Adam holds the factors of one update by Adam or AdamW.
type Adam struct {
	Shrink        float32 // of the parameter, before all else
	GradientDecay float32
	Keep1, Add1   float32 // shares of the mean
	Keep2, Add2   float32 // shares of the mean square
	Step          float32
	Correction    float32 // of the root
	Eps           float32
}

// Update applies one step of PyTorch's Adam to len(parameter) elements:
//
//	p = Shrink*p
//	g = gradient + GradientDecay*p
//	m = Flush(Keep1*m + Add1*g)
//	v = Flush(Keep2*v + Add2*g*g)
//	p = p - Step * m/(sqrt(v)/Correction + Eps), if m is not zero
//
// Every product and sum is rounded, so that all sets give the same bits, where no
// result is a NaN. With largest, the largest v so far divides; nil means that v does.
func (a *Adam) Update(parameter, gradient, means, squares, largest []float32) {
	if n := len(parameter) &^ 7; n > 0 && largest == nil {
		active.UpdateAdam(a, parameter[:n], gradient[:n], means[:n], squares[:n])
		parameter, gradient, means, squares = parameter[n:], gradient[n:], means[n:], squares[n:]
	}
	a.update(parameter, gradient, means, squares, largest)
}

func updateAdamPlain(a *Adam, parameter, gradient, means, squares []float32) {
	a.update(parameter, gradient, means, squares, nil)
}

func (a *Adam) update(parameter, gradient, means, squares, largest []float32) {
	n := len(parameter)
	gradient, means, squares = gradient[:n], means[:n], squares[:n]
	for i, p := range parameter {
		p = float32(p * a.Shrink)
		g := gradient[i] + float32(a.GradientDecay*p)
		m := Flush(float32(a.Keep1*means[i]) + float32(a.Add1*g))
		v := Flush(float32(a.Keep2*squares[i]) + float32(a.Add2*float32(g*g)))
		means[i], squares[i] = m, v
		if largest != nil {
			v = max(v, largest[i])
			largest[i] = v
		}
		if m != 0 {
			p -= float32(a.Step * (m / (float32(math.Sqrt(float64(v)))/a.Correction + a.Eps)))
		}
		parameter[i] = p
	}
}
