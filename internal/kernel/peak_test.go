package kernel

import "testing"

func TestMeasurePeak(t *testing.T) {
	peak := MeasurePeak(1)
	if active.PeakLoop == nil {
		if peak != 0 {
			t.Errorf("without assembly the peak is %g, want 0", peak)
		}
		return
	}
	if peak < 1e7 || peak > 1e12 {
		t.Errorf("peak of one core is %g FLOP/s, which is no processor's", peak)
	}
	t.Logf("%.1f GFLOP/s on one core, %.1f on two", peak/1e9, MeasurePeak(2)/1e9)
}

func TestMeasureLoad(t *testing.T) {
	load := MeasureLoad(1)
	if active.LoadLoop == nil {
		if load != 0 {
			t.Errorf("without assembly the rate is %g, want 0", load)
		}
		return
	}
	if load < 1e8 || load > 1e13 {
		t.Errorf("one core reads %g bytes/s, which is no processor's", load)
	}
	t.Logf("%.1f GB/s on one core, %.1f on two", load/1e9, MeasureLoad(2)/1e9)
}
