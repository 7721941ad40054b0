package engine

import "errors"

type reject string
type retry string
type fatal string

func (e reject) Error() string { return string(e) }
func (e retry) Error() string  { return string(e) }
func (e fatal) Error() string  { return string(e) }

// Reject refuses a record.
func Reject(reason string) error { return reject(reason) }

// Retry asks for the batch again.
func Retry(reason string) error { return retry(reason) }

// Fatal stops the application.
func Fatal(reason string) error { return fatal(reason) }

// IsRetry is true if the error asks for the batch again.
func IsRetry(err error) bool {
	var r retry
	return errors.As(err, &r)
}

// endsCall is true for what is not a record's fault.
func endsCall(err error) bool {
	var f fatal
	return IsRetry(err) || errors.As(err, &f)
}
