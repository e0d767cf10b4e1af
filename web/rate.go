package web

import (
	"math"
	"sync"
	"time"
)

// A Rate is how many things one client may do in a period: so many at once, and
// then as many in every period.
type Rate struct {
	Number int64
	Period time.Duration
}

// maxBuckets is how many clients a rate is counted for at once. Those of the
// longest ago are forgotten first.
const maxBuckets = 4096

// rates counts what clients do.
type rates struct {
	rate    Rate
	mutex   sync.Mutex
	buckets map[client]bucket
}

// A bucket holds what a client may still do, as of some time.
type bucket struct {
	left float64
	at   time.Time
}

func newRates(rate Rate) *rates { return &rates{rate: rate, buckets: map[client]bucket{}} }

// take lets a client do one thing more, or tells after how long it may. A rate of
// nothing means that there is no limit.
func (r *rates) take(c client) (wait time.Duration) {
	if r.rate.Number == 0 {
		return 0
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := time.Now()
	number, each := float64(r.rate.Number), r.rate.Period.Seconds()/float64(r.rate.Number)
	own, known := r.buckets[c]
	if !known {
		if len(r.buckets) >= maxBuckets {
			r.forget(now)
		}
		own = bucket{number, now}
	}
	own.left = min(number, own.left+now.Sub(own.at).Seconds()/each)
	own.at = now
	if own.left >= 1 {
		own.left--
	} else {
		wait = time.Duration(math.Ceil((1 - own.left) * each * float64(time.Second)))
	}
	r.buckets[c] = own
	return wait
}

// forget makes room: for those who may do everything again, else for the one of
// the longest ago.
func (r *rates) forget(now time.Time) {
	var oldest client
	first := now
	for c, b := range r.buckets {
		if now.Sub(b.at) > r.rate.Period {
			delete(r.buckets, c)
		} else if !b.at.After(first) {
			oldest, first = c, b.at
		}
	}
	if len(r.buckets) >= maxBuckets {
		delete(r.buckets, oldest)
	}
}
