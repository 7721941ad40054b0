package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Settings are names with values, sorted by name.
type Settings [][2]string

// Get is the value of a setting.
func (s Settings) Get(name string) (string, bool) {
	for _, pair := range s {
		if pair[0] == name {
			return pair[1], true
		}
	}
	return "", false
}

// Flag is a setting that is true or false, or otherwise when it is not set.
func (s Settings) Flag(name string, otherwise bool) (bool, error) {
	text, isSet := s.Get(name)
	if !isSet {
		return otherwise, nil
	}
	if text == "true" || text == "false" {
		return text == "true", nil
	}
	return false, fmt.Errorf("setting `%s` has the value `%s`: provided string was not `true` or `false`", name, text)
}

// I64 is a setting that is a whole number of 64 bits, or otherwise when it is not set.
func (s Settings) I64(name string, otherwise int64) (int64, error) {
	text, isSet := s.Get(name)
	if !isSet {
		return otherwise, nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		err = fmt.Errorf("setting `%s` has the value `%s`: it is no whole number of 64 bits", name, text)
	}
	return number, err
}

// ExpectOnly refuses settings that are not in names, so that a misspelt one is not ignored.
func (s Settings) ExpectOnly(names ...string) error {
	for _, pair := range s {
		if !contains(names, pair[0]) {
			there := "are none"
			if len(names) > 0 {
				there = "are " + strings.Join(names, ", ")
			}
			return fmt.Errorf("unknown setting `%s`: there %s", pair[0], there)
		}
	}
	return nil
}

func contains(names []string, name string) bool {
	for _, found := range names {
		if found == name {
			return true
		}
	}
	return false
}

// Description is what an operator says of itself.
type Description struct {
	// For people.
	Name string
	// For people; 0.1.0 when it is empty.
	Version string
	// The transform never changes a key and never makes rows of another key: the host needs no repartition topic before
	// a reduce. A wrong true gives wrong results.
	PreservesKey bool
	// Names the bytes of an accumulator, at most 256 bytes; whoever reduces sets it. A module with the same string reads
	// the accumulators of another.
	StateSchema string
	// Names the bytes of the values between transform and reduce, at most 256 bytes.
	RowSchema string
}

// Configured is what the operator registered.
var Configured = func(Settings) (Description, error) {
	return Description{}, errors.New("the operator does not call wasmhost.Describe")
}

// Described is what the operator said at the last Configure.
var Described Description

// Configure gives the operator its settings.
func Configure(settings Settings) error {
	description, err := Configured(settings)
	if description.Version == "" {
		description.Version = "0.1.0"
	}
	Described = description
	return err
}
