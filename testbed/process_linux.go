package testbed

import "syscall"

// endWithParent lets the system end the program with the test binary, also
// when that panics or is killed and no cleanup runs.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
