// Lines `level: message` become rows: the level is the key, the message the value; debug lines are dropped.
package main

import (
	"strings"

	"wasmhost"
	"wasmhost/transform"
)

func init() {
	wasmhost.Describe(wasmhost.Description{Name: "{{name}}"})
	transform.Register(func(record *wasmhost.Record, out *wasmhost.Output) error {
		line, err := record.Text()
		if err != nil {
			return err
		}
		level, message, hasLevel := strings.Cut(line, ": ")
		if !hasLevel {
			return wasmhost.Reject("the line has no level")
		}
		if level != "debug" {
			out.Emit([]byte(level), []byte(message))
		}
		return nil
	})
}

func main() {}
