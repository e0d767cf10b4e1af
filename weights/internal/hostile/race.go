//go:build race

package hostile

// RaceEnabled tells that the race detector is at work, which allocates memory of
// its own and takes ten times as long.
const RaceEnabled = true
