package nn

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestTeamOfAnySize runs a team with ever other numbers of members, some of which park
// between, and wants each run's members to meet at each barrier.
func TestTeamOfAnySize(t *testing.T) {
	const size = 5
	team := newTeam(size)
	defer team.close()
	for run := range 3000 {
		members := 1 + (run*7+run/5)%size
		var began, met, ended atomic.Int64
		team.run(members, func(worker int) {
			if worker >= members {
				t.Errorf("run %d of %d members had member %d", run, members, worker)
			}
			began.Add(1)
			if members > 1 {
				team.barrier()
				if n := int(began.Load()); n != members {
					t.Errorf("run %d: %d of %d members had begun behind the barrier", run, n, members)
				}
				met.Add(1)
				team.barrier()
				if n := int(met.Load()); n != members {
					t.Errorf("run %d: %d of %d members were behind the first barrier at the end of the second", run, n, members)
				}
			}
			ended.Add(1)
		})
		if n := int(ended.Load()); n != members {
			t.Fatalf("run %d of %d members had %d", run, members, n)
		}
		if run%1000 == 999 {
			time.Sleep(time.Millisecond) // so that members park
		}
	}
}

// TestCrowd lets runs take as long as a table says for each number of members, which wait
// for most of it, and wants the best number after some time.
func TestCrowd(t *testing.T) {
	const size = 8
	tests := []struct {
		name string
		took [size + 1]time.Duration // in microseconds
		wait float64                 // the part of the time that members wait
		want int
	}{
		{"more are faster", [size + 1]time.Duration{1: 800, 2: 400, 4: 200, 8: 100}, 0.5, 8},
		{"four are best", [size + 1]time.Duration{1: 400, 2: 200, 4: 100, 8: 150}, 0.5, 4},
		{"one is best", [size + 1]time.Duration{1: 100, 2: 150, 4: 200, 8: 300}, 0.5, 1},
		{"it makes no difference", [size + 1]time.Duration{1: 100, 2: 100, 4: 100, 8: 100}, 0.5, 1},
		{"short runs, nobody waits", [size + 1]time.Duration{1: 50, 2: 60, 4: 60, 8: 60}, 0, 4},
		{"long runs, one is best", [size + 1]time.Duration{1: 50000, 2: 60000, 4: 70000, 8: 80000}, 0.5, 1},
		{"long runs, nobody waits", [size + 1]time.Duration{1: 50000, 2: 60000, 4: 70000, 8: 80000}, 0, 8},
	}
	for _, test := range tests {
		c := &crowd{members: size}
		at, stalled := map[int]int{}, int64(0)
		for run := range 30000 {
			if run > 12000 {
				at[c.members]++
			}
			took := test.took[c.members] * time.Microsecond
			stalled += int64(test.wait * float64(took) * float64(c.members-1))
			c.ran(took, 1, size, stalled)
		}
		if at[test.want] < 17000 {
			t.Errorf("%s: of 18,000 runs %v were with so many members, want nearly all with %d", test.name, at, test.want)
		}
	}
}
