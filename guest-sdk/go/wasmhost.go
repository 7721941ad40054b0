// Package wasmhost is for operators of wasmhost in Go: what happens to one record, or how a value is folded into the
// state of its key.
//
// An operator is a package main whose init functions say what it has: [Describe] always, and of the packages transform,
// reduce, finish, merge and process those that it is made of, by their Register functions. A module exports exactly the
// interfaces whose packages it imports. README.md has a first operator.
package wasmhost

import "wasmhost/internal/engine"

// Record is one record of the input, borrowed from the batch: it is good until the function that got it returns.
type Record = engine.Record

// Header is a header of a record. A nil value is null.
type Header = engine.Header

// Value is one value to be folded into the state of its key, borrowed from the batch.
type Value = engine.Value

// Output takes the rows of a transform or a process.
type Output = engine.Output

// Row is the row that was just emitted.
type Row = engine.Row

// Description is what an operator says of itself.
type Description = engine.Description

// Settings are the operator's: [settings] in host.toml, --set name=value.
type Settings = engine.Settings

// Kind says how values of a type become bytes, which the host keeps.
type Kind[A any] = engine.Kind[A]

// State is the accumulator of a key between values.
type State[A any] = engine.State[A]

// Int128 is a whole number of 128 bits.
type Int128 = engine.Int128

// Describe says what the operator is; it takes no settings.
func Describe(description Description) {
	Configure(func(settings Settings) (Description, error) { return description, settings.ExpectOnly() })
}

// Configure says what the operator is with its settings. An error stops the start of the application with its text.
func Configure(configure func(Settings) (Description, error)) {
	engine.Configured = configure
}

// Reject refuses a record (or a value) with a reason; the rest of the batch goes on. By default the host writes the
// record to the dead-letter topic. Any other error that a function answers does the same with its text: data that cannot
// be read is the record's fault. A panic ends the instance.
func Reject(reason string) error { return engine.Reject(reason) }

// Retry asks for the same batch again, on a fresh instance, a bounded number of times.
func Retry(reason string) error { return engine.Retry(reason) }

// Fatal stops the application with this message; nothing of the batch is committed.
func Fatal(reason string) error { return engine.Fatal(reason) }

// Bytes are bytes as they are; a change in place of what was decoded is a change of the accumulator.
var Bytes Kind[[]byte] = engine.Bytes{}

// Text is text as UTF-8.
var Text Kind[string] = engine.Text{}

// I64 are numbers of 64 bits, little endian.
var I64 Kind[int64] = engine.I64{}

// I128 are numbers of 128 bits, little endian.
var I128 Kind[Int128] = engine.I128{}

// JSON keeps a type as encoding/json writes it.
func JSON[A any]() Kind[A] { return engine.JSON[A]{} }

// EncodeI64 is the number's 8 bytes.
func EncodeI64(number int64) []byte { return engine.I64{}.Append(nil, number) }

// Debug writes to the host's log, for whoever works on the operator. The host cuts a line at 1,024 bytes and drops more
// than 64 a second; in tests lines go to the standard error stream.
func Debug(text string) { engine.Log(engine.Debug, text) }

// Info logs rare changes.
func Info(text string) { engine.Log(engine.Info, text) }

// Warn logs what is odd, but handled.
func Warn(text string) { engine.Log(engine.Warn, text) }

// Error logs that data or progress is lost.
func Error(text string) { engine.Log(engine.ErrorLevel, text) }
