package train

import "inkling/nn"

// UseAverage gives a network the average of its weights that a training keeps (see
// nn.Training.Average), to validate, test or save it, and returns what gives it its own
// weights back, to train on. Both do nothing if there is no training or it keeps none.
func UseAverage(network nn.Module, program *nn.TrainProgram) (giveBack func()) {
	var averages []nn.Entry
	if program != nil {
		averages = program.Averaged()
	}
	if averages == nil {
		return func() {}
	}
	entries := nn.State(network)
	own := make([][]float32, len(entries))
	for i, e := range entries {
		n := nn.Shape(e.Shape()).Elements()
		own[i] = make([]float32, n)
		e.Read(own[i])
		average := make([]float32, n)
		averages[i].Read(average)
		e.Write(average)
	}
	return func() {
		for i, e := range entries {
			e.Write(own[i])
		}
	}
}
