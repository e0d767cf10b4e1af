package main

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	settings := []debug.BuildSetting{
		{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"},
		{Key: "vcs.time", Value: "2026-11-25T15:43:00+01:00"}, {Key: "vcs.modified", Value: "false"},
	}
	changed := append([]debug.BuildSetting(nil), settings...)
	changed[3].Value = "true"
	for _, test := range []struct {
		info           debug.BuildInfo
		name, describe string
	}{
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: settings}, "v1.2.3",
			"commit 0123456789abcdef0123456789abcdef01234567 of 2026-11-25 14:43 UTC"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: changed}, "development 0123456789ab, modified",
			"commit 0123456789abcdef0123456789abcdef01234567 of 2026-11-25 14:43 UTC, with changes that were not committed"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "development",
			"commit not recorded: built outside a git checkout, or with -buildvcs=false"},
	} {
		b := readBuild(&test.info)
		if b.name() != test.name || b.describe() != test.describe {
			t.Errorf("%q, %q, want %q, %q", b.name(), b.describe(), test.name, test.describe)
		}
	}
}
