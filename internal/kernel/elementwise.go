package kernel

// Smallest is the magnitude below which numbers that only decay (momenta,
// moments, running averages) are set to zero. 0.9 times the smallest float32 is
// the smallest float32 again, and processors take up to sixty times as long for
// numbers so small.
const Smallest = 1e-30

// Flush returns v, or zero where its magnitude is below Smallest.
func Flush[T ~float32 | ~float64](v T) T {
	if -Smallest < v && v < Smallest {
		return 0
	}
	return v
}

// Add adds x to y, element by element, for len(y) elements.
func Add(y, x []float32) {
	if n := len(y) &^ 7; n > 0 {
		active.Add(y[:n], x[:n])
		y, x = y[n:], x[n:]
	}
	addPlain(y, x)
}

func addPlain(y, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += x[i]
	}
}

// Rectify sets what is negative to zero. A NaN stays one.
func Rectify(y []float32) {
	if n := len(y) &^ 7; n > 0 {
		active.Rectify(y[:n])
		y = y[n:]
	}
	rectifyPlain(y)
}

func rectifyPlain(y []float32) {
	for i, v := range y {
		if v < 0 {
			y[i] = 0
		}
	}
}

// MaskPositive sets gradient to zero where the output of a ReLU is not
// positive, for len(gradient) elements.
func MaskPositive(gradient, output []float32) {
	if n := len(gradient) &^ 7; n > 0 {
		active.MaskPositive(gradient[:n], output[:n])
		gradient, output = gradient[n:], output[n:]
	}
	maskPositivePlain(gradient, output)
}

func maskPositivePlain(gradient, output []float32) {
	output = output[:len(gradient)]
	for i, v := range output {
		if !(v > 0) {
			gradient[i] = 0
		}
	}
}

// SGD holds the factors of one update by stochastic gradient descent.
type SGD struct {
	LearningRate float32
	Momentum     float32
	Damped       float32 // 1 - dampening
	WeightDecay  float32
	Nesterov     bool
}

// Update applies one step of PyTorch's SGD to len(weights) elements:
//
//	g = gradient + WeightDecay*weight
//	momentum = Flush(Momentum*momentum + Damped*g)
//	weight -= LearningRate * (Nesterov ? g + Momentum*momentum : momentum)
//
// A nil momentum means none: weight -= LearningRate*g.
func (s *SGD) Update(weights, gradient, momentum []float32) {
	if n := len(weights) &^ 7; n > 0 && momentum != nil {
		active.UpdateSGD(*s, weights[:n], gradient[:n], momentum[:n])
		weights, gradient, momentum = weights[n:], gradient[n:], momentum[n:]
	}
	updateSGDPlain(*s, weights, gradient, momentum)
}

func updateSGDPlain(s SGD, weights, gradient, momentum []float32) {
	gradient = gradient[:len(weights)]
	for i, w := range weights {
		g := gradient[i] + float32(s.WeightDecay*w)
		if momentum != nil {
			m := Flush(float32(s.Momentum*momentum[i]) + float32(s.Damped*g))
			momentum[i] = m
			if s.Nesterov {
				g += float32(s.Momentum * m)
			} else {
				g = m
			}
		}
		weights[i] = w - float32(s.LearningRate*g)
	}
}
