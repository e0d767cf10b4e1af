package kernel

import (
	"sync"
	"time"
)

// MeasurePeak measures how many floating-point operations a second so many
// goroutines reach together with independent fused multiply-adds in registers,
// each counted as two: the most that any kernel could do on this machine at
// this moment. It takes about 20 milliseconds, and returns 0 where there is no
// assembly to measure with.
func MeasurePeak(workers int) float64 {
	if active.PeakLoop == nil {
		return 0
	}
	const rounds = 50_000
	var best float64
	for range 20 {
		var group sync.WaitGroup
		start := time.Now()
		for range workers {
			group.Go(func() { active.PeakLoop(rounds) })
		}
		group.Wait()
		best = max(best, float64(workers*rounds*active.PeakOperations)/time.Since(start).Seconds())
	}
	return best
}
