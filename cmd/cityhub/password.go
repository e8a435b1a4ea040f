package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// readPassword reads one line of standard input, unseen on a terminal.
func readPassword(c *console) (string, error) {
	if file, ok := c.in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(c.err, "Password: ")
		text, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(c.err)
		return string(text), err
	}
	if c.in == nil {
		return "", errors.New("no password on standard input")
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("no password on standard input; give it there, in one line")
	}
	return line, nil
}
