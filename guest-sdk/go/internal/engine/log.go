package engine

import (
	"fmt"
	"os"
)

// Level is the level of a line in the host's log, as the contract numbers them.
type Level int32

// The levels.
const (
	Debug Level = iota
	Info
	Warn
	ErrorLevel
)

// Log writes a line: to the standard error stream in tests; the module puts the host's own here.
var Log = func(level Level, text string) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", [...]string{"debug", "info", "warn", "error"}[level], text)
}
