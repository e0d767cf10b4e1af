//go:build !purego

package kernel

func updateAdamAssembly(a *Adam, parameter, gradient, means, squares []float32) {
	updateAdam(parameter, gradient, means, squares, a.Shrink, a.GradientDecay, a.Keep1, a.Add1, a.Keep2, a.Add2, a.Step, a.Correction, a.Eps)
}
