//go:build unix && !linux

package testbed

import "syscall"

// endWithParent changes nothing where the system offers no such thing; the
// test's cleanup still ends the program.
func endWithParent(*syscall.SysProcAttr) {}
