package pth

import "inkling/weights/internal/untrusted"

// FormatError tells why a file was refused and where in it: its fields are the
// Path, the Record of the zip archive without the archive's folder, the Offset
// in the record or the file, negative if there is no one place, and the Reason.
type FormatError = untrusted.FormatError

type budget = untrusted.Budget

var (
	fault     = untrusted.Fault
	within    = untrusted.Within
	shorten   = untrusted.Shorten
	newBudget = untrusted.NewBudget
)
