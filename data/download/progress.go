package download

import "time"

// Progress is how far a download has come.
type Progress struct {
	Name  string        // of the file
	Done  int64         // bytes that are there, with those of an earlier call
	Total int64         // bytes there will be, -1 if the server does not say
	Rate  float64       // bytes a second, on the average of this call
	Left  time.Duration // how long it will take at that rate, -1 if that is not known
}

// meter measures how fast a file comes.
type meter struct {
	name    string
	started time.Time
	came    int64 // since then
	report  func(Progress)
}

func newMeter(name string, report func(Progress)) *meter {
	return &meter{name: name, started: time.Now(), report: report}
}

// add reports n bytes more. A total below 0 is not known.
func (m *meter) add(n int, done, total int64) {
	m.came += int64(n)
	if m.report == nil {
		return
	}
	p := Progress{Name: m.name, Done: done, Total: total, Left: -1}
	if seconds := time.Since(m.started).Seconds(); seconds > 0 {
		p.Rate = float64(m.came) / seconds
	}
	if p.Rate > 0 && total >= 0 {
		p.Left = time.Duration(float64(total-done) / p.Rate * float64(time.Second))
	}
	m.report(p)
}
