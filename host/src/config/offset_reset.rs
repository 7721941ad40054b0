//! Where to start where nothing is committed.

use super::layer::Origin;
use std::time::UNIX_EPOCH;

/// What is allowed, for a person.
pub(super) const ALLOWED: &str =
    "earliest, latest, none, offset:N, or a time in UTC such as 2026-11-01T00:00:00Z";

/// Where a policy comes from that is for new applications only.
pub const REPROCESS: Origin = Origin::Flag("--reprocess");

/// Where to start in a partition for which nothing is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// At the first record.
    Earliest,
    /// Behind the last record.
    Latest,
    /// Refuse.
    None,
    /// At this offset of each partition.
    Offset(i64),
    /// At the first record with this timestamp, in milliseconds since the Unix epoch, or a later one.
    Time(i64),
}

/// The policy of a text; none: it is not allowed.
pub(super) fn parse(text: &str) -> Option<OffsetReset> {
    match text {
        "earliest" => return Some(OffsetReset::Earliest),
        "latest" => return Some(OffsetReset::Latest),
        "none" => return Some(OffsetReset::None),
        _ => {}
    }
    if let Some(offset) = text.strip_prefix("offset:") {
        return offset.parse().ok().filter(|offset| *offset >= 0).map(OffsetReset::Offset);
    }
    let since = humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(OffsetReset::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_offsets_and_times_are_read() {
        assert_eq!(parse("latest"), Some(OffsetReset::Latest));
        assert_eq!(parse("offset:12"), Some(OffsetReset::Offset(12)));
        assert_eq!(parse("2026-11-01T00:00:00.250Z"), Some(OffsetReset::Time(1_793_491_200_250)));
        for text in ["", "newest", "offset:", "offset:-1", "2026-11-01", "1969-01-01T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
