//go:build !unix

package atomicfile

// alive is not known here; the file of who has gone is mostly gone, too.
func alive(int) bool { return true }
