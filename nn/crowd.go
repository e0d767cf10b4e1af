package nn

import "time"

// crowd finds out how many members of a team are best. A stage with less work than
// members leaves some without, and they wait at the barrier behind it, which takes the
// longer the more they are; other processes that keep a member off its processor hold up
// all others there. So where members wait for much of the time, and once where runs are so
// short that handing numbers from one processor to another may take longer than to compute
// them, half as many are tried, and stay if a run takes no longer, and later twice as many
// again. As results do not depend on the number of workers, a program may change it at any
// run.
type crowd struct {
	members int // that compute
	// Of the runs since the last look: how many, for how many examples, how long they took
	// and what the team's members had waited before.
	runs, examples int
	took           time.Duration
	stalled        int64

	tried   bool          // fewer, because runs were short
	trial   int           // the members that computed before the trial of others, or 0
	pace    time.Duration // of these, for an example
	patient int           // runs still to be done before the next trial
	last    int           // how many that were the last time
}

const (
	// crowdLook is the least number of runs between two looks at the stalls, and crowdTrial
	// of a trial; both last for these times at least, and a trial of long runs ends after
	// crowdLong. After each trial there is none for crowdPatient runs, and for twice as many
	// each time that one was in vain, up to crowdMost.
	crowdLook      = 64
	crowdLookTime  = 20 * time.Millisecond
	crowdTrial     = 16
	crowdTrialTime = 5 * time.Millisecond
	crowdLong      = 200 * time.Millisecond
	crowdPatient   = 128
	crowdMost      = 8192
	// Members may stall for this part of the time (each of them).
	crowdShare = 0.3
	// crowdShort runs are those that may be too short for several members.
	crowdShort = 500 * time.Microsecond
)

// crowded runs body on as many members of the team as are best.
func (m *machine) crowded(body func(worker int)) {
	c := &m.crowd
	if m.team.size == 1 {
		m.active = 1
		body(0)
		return
	}
	if c.members == 0 {
		c.members = m.team.size
	}
	start := time.Now()
	m.active = c.members
	m.team.run(m.active, body)
	c.ran(time.Since(start), m.plan.count, m.team.size, m.team.stalled.Load())
}

// ran takes note of a run of a team of that size and how long its members have stalled in
// all runs.
func (c *crowd) ran(took time.Duration, examples, size int, stalled int64) {
	c.runs++
	c.took += took
	c.examples += examples
	c.patient = max(c.patient-1, 0)
	enough := c.runs >= crowdLook && c.took >= crowdLookTime
	if c.trial != 0 {
		enough = c.runs >= crowdTrial && c.took >= crowdTrialTime || c.took >= crowdLong
	}
	if enough {
		c.members = c.next(size, stalled)
		c.runs, c.examples, c.took, c.stalled = 0, 0, 0, stalled
	}
}

// next looks at the last runs and returns how many members the next ones are to have.
func (c *crowd) next(size int, stalled int64) int {
	pace := c.took / time.Duration(max(c.examples, 1))
	switch {
	case c.trial != 0:
		before := c.trial
		c.trial = 0
		if pace > c.pace || pace == c.pace && c.members > before {
			c.last = min(max(2*c.last, crowdPatient), crowdMost)
			c.patient = c.last
			return before
		}
		c.last = 0
		if c.members > before {
			c.patient = crowdPatient // so that it does not go to and fro
		}
		return c.members
	case c.patient > 0:
		return c.members
	case c.members > 1 && (float64(stalled-c.stalled) > crowdShare*float64(c.took)*float64(c.members-1) ||
		!c.tried && c.took < crowdShort*time.Duration(c.runs)):
		c.tried, c.trial, c.pace = true, c.members, pace
		return (c.members + 1) / 2
	case c.members < size:
		c.trial, c.pace = c.members, pace
		return min(2*c.members, size)
	}
	return c.members
}
