package web

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates(Rate{3, time.Minute})
		one, other := testClient(t, "192.0.2.1"), testClient(t, "192.0.2.2")
		for i, want := range []time.Duration{0, 0, 0, 20 * time.Second} {
			if got := r.take(one); got != want {
				t.Errorf("number %d is to wait %v, want %v", i, got, want)
			}
		}
		if got := r.take(other); got != 0 {
			t.Errorf("another client is to wait %v", got)
		}
		time.Sleep(20 * time.Second)
		if got := r.take(one); got != 0 {
			t.Errorf("after the wait: %v", got)
		}
		if got := r.take(one); got != 20*time.Second {
			t.Errorf("and at once again: %v", got)
		}
		time.Sleep(time.Hour)
		for i := range 3 {
			if got := r.take(one); got != 0 {
				t.Errorf("an hour later number %d is to wait %v", i, got)
			}
		}
		if got := r.take(one); got == 0 {
			t.Error("more has gathered than may be done at once")
		}
		for i := range 2 * maxBuckets {
			r.take(testClient(t, fmt.Sprintf("10.0.%d.%d", i>>8, i&255)))
		}
		if len(r.buckets) > maxBuckets {
			t.Errorf("%d clients are counted", len(r.buckets))
		}
		if got := newRates(Rate{}).take(one); got != 0 {
			t.Errorf("without a limit: %v", got)
		}
	})
}
