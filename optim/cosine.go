package optim

import "math"

// CosineAnnealingLR goes from the base to EtaMin along half a cosine wave in
// TMax steps (Loshchilov and Hutter 2017, arXiv:1608.03983), and back in as
// many, as torch.optim.lr_scheduler.CosineAnnealingLR.
type CosineAnnealingLR struct {
	TMax   int
	EtaMin float64
}

// Rate returns EtaMin + (base-EtaMin) * (1 + cos(pi*step/TMax))/2.
func (c *CosineAnnealingLR) Rate(base float64, step int) float64 {
	return c.EtaMin + (base-c.EtaMin)*(1+math.Cos(math.Pi*float64(step)/float64(c.TMax)))/2
}

// Check wants a TMax of at least 1 and an EtaMin of 0 or more.
func (c *CosineAnnealingLR) Check() error {
	return firstError(wantCount("CosineAnnealingLR", "T_max", c.TMax, 1), wantAtLeastZero("CosineAnnealingLR", "eta_min", c.EtaMin))
}

// Settings lists T_max and eta_min.
func (c *CosineAnnealingLR) Settings() []Setting {
	return []Setting{{"T_max", "the steps from the highest rate to the lowest", &c.TMax}, {"eta_min", "the lowest rate", &c.EtaMin}}
}

// CosineAnnealingWarmRestarts falls from the base along half a cosine wave in T0
// steps, starts again at the base, and takes TMult times as many steps each time,
// as torch.optim.lr_scheduler.CosineAnnealingWarmRestarts. PyTorch's default
// TMult is 1.
type CosineAnnealingWarmRestarts struct {
	T0, TMult int
	EtaMin    float64
}

// Rate returns the rate of the cycle that the step is in.
func (c *CosineAnnealingWarmRestarts) Rate(base float64, step int) float64 {
	length := c.T0
	if c.TMult == 1 {
		step %= length
	}
	for step >= length {
		step -= length
		length *= c.TMult
	}
	return (&CosineAnnealingLR{length, c.EtaMin}).Rate(base, step)
}

// Check wants a T0 and a TMult of at least 1 and an EtaMin of 0 or more.
func (c *CosineAnnealingWarmRestarts) Check() error {
	const name = "CosineAnnealingWarmRestarts"
	return firstError(wantCount(name, "T_0", c.T0, 1), wantCount(name, "T_mult", c.TMult, 1), wantAtLeastZero(name, "eta_min", c.EtaMin))
}

// Settings lists T_0, T_mult and eta_min.
func (c *CosineAnnealingWarmRestarts) Settings() []Setting {
	return []Setting{{"T_0", "the steps of the first fall", &c.T0}, {"T_mult", "how many times as long the next one is", &c.TMult}, {"eta_min", "the lowest rate", &c.EtaMin}}
}
