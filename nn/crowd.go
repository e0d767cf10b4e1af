package nn

import "time"

// crowd notices when other processes keep the members of a team from running
// side by side. A member that is off its processor holds up all others at
// every barrier, so on a crowded machine a team is slower than one member
// alone. As results do not depend on the number of workers, a program may
// change that number at any stem.
type crowd struct {
	runs    int // since the last look
	started time.Time
	stalled int64 // of the team, at the last look
	alone   int   // runs still to be done by one member
	last    int   // how many that were the last time
}

const (
	// crowdLook is the number of runs between two looks at the stalls. Once
	// they were too long one member does crowdAlone runs, twice as many each
	// time it is found again, up to crowdMost.
	crowdLook  = 64
	crowdAlone = 128
	crowdMost  = 8192
	// Members may stall for this part of the time (each of them).
	crowdShare = 0.3
)

// crowded runs body on the team, or on the caller alone.
func (m *machine) crowded(body func(worker int)) {
	c := &m.crowd
	if c.alone > 0 || m.team.size == 1 {
		m.active = 1
		body(0)
		if c.alone > 0 {
			c.alone--
		}
		return
	}
	if c.runs == 0 {
		c.started, c.stalled = time.Now(), m.team.stalled.Load()
	}
	m.active = m.team.size
	m.team.run(body)
	if c.runs++; c.runs < crowdLook {
		return
	}
	now, stalled := time.Now(), m.team.stalled.Load()
	if float64(stalled-c.stalled) > crowdShare*float64(now.Sub(c.started))*float64(m.team.size-1) {
		c.last = min(max(2*c.last, crowdAlone), crowdMost)
		c.alone = c.last
	} else {
		c.last /= 2
	}
	c.runs = 0
}
