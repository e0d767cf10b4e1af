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
	return float64(rounds*active.PeakOperations) * mostTimes(workers, func() { active.PeakLoop(rounds) })
}

// MeasureLoad measures how many bytes a second so many goroutines read together from
// the first cache: what bounds a kernel that does little with each number. It takes about
// 20 milliseconds, and returns 0 where there is no assembly to measure with.
func MeasureLoad(workers int) float64 {
	if active.LoadLoop == nil {
		return 0
	}
	const rounds, floats = 50_000, 128
	from := make([]float32, floats)
	return 4 * rounds * floats * mostTimes(workers, func() { active.LoadLoop(rounds, from) })
}

// mostTimes returns how often a second so many goroutines run a loop together, in the
// fastest of several trials.
func mostTimes(workers int, loop func()) float64 {
	var best float64
	for range 20 {
		var group sync.WaitGroup
		start := time.Now()
		for range workers {
			group.Go(loop)
		}
		group.Wait()
		best = max(best, float64(workers)/time.Since(start).Seconds())
	}
	return best
}
