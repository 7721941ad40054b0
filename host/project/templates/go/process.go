// Lets a value through when it differs from the one before of its key.
package main

import (
	"wasmhost"
	"wasmhost/process"
)

func init() {
	wasmhost.Describe(wasmhost.Description{Name: "{{name}}", StateSchema: "last:text"})
	process.Register(wasmhost.Text, func(last *wasmhost.State[string], value *wasmhost.Value, out *wasmhost.Output) error {
		text, err := value.Text()
		if err != nil {
			return err
		}
		if !last.Exists || text != last.Value {
			out.Emit(value.Key, value.Data)
			last.Set(text)
		}
		return nil
	})
}

func main() {}
