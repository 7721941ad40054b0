// Puts the events of a key together that are near each other in time. See ../README.md.
package main

import (
	"encoding/binary"
	"fmt"

	"wasmhost"
	"wasmhost/process"
)

var gapMs int64

func configure(settings wasmhost.Settings) (wasmhost.Description, error) {
	description := wasmhost.Description{Name: "sessions", StateSchema: "session:first,last,events:i64-le"}
	err := settings.ExpectOnly("gap_ms")
	if err == nil {
		gapMs, err = settings.I64("gap_ms", 30*60*1000)
	}
	if err == nil && gapMs < 1 {
		err = fmt.Errorf("setting `gap_ms` may be 1 and more")
	}
	return description, err
}

type session struct{ firstMs, lastMs, events int64 }

func sessionAt(timeMs int64) session { return session{firstMs: timeMs, lastMs: timeMs} }

// kind says how a session becomes bytes.
type kind struct{}

func (kind) Append(to []byte, s session) []byte {
	for _, number := range [...]int64{s.firstMs, s.lastMs, s.events} {
		to = wasmhost.I64.Append(to, number)
	}
	return to
}

func (kind) Decode(data []byte) (session, error) {
	if len(data) != 24 {
		return session{}, wasmhost.Reject("a session has 24 bytes")
	}
	number := func(at int) int64 { return int64(binary.LittleEndian.Uint64(data[at:])) }
	return session{number(0), number(8), number(16)}, nil
}

func (s *session) write(key []byte, endedBy string, out *wasmhost.Output) {
	row := fmt.Appendf(nil, `{"events":%d,"first_ms":%d,"last_ms":%d}`, s.events, s.firstMs, s.lastMs)
	out.Emit(key, row).Timestamp(s.lastMs).Header("ended-by", []byte(endedBy))
}

func take(open *wasmhost.State[session], event *wasmhost.Value, out *wasmhost.Output) error {
	timeMs := event.Timestamp
	s := open.Value
	if !open.Exists {
		s = sessionAt(timeMs)
	}
	if earlyMs := s.firstMs - timeMs; earlyMs > gapMs {
		return wasmhost.Reject(fmt.Sprintf("the event is %d ms before its session", earlyMs))
	}
	if timeMs-s.lastMs > gapMs {
		s.write(event.Key, "gap", out)
		s = sessionAt(timeMs)
	}
	s.firstMs, s.lastMs, s.events = min(s.firstMs, timeMs), max(s.lastMs, timeMs), s.events+1
	if string(event.Data) == "end" {
		s.write(event.Key, "end", out)
		open.Delete()
	} else {
		open.Set(s)
	}
	return nil
}

func init() {
	wasmhost.Configure(configure)
	process.Register(kind{}, take)
}

func main() {}
