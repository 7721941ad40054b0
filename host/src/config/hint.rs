//! "Did you mean": the nearest of the known words. Pure.

/// The candidate nearest to `word`, when it is near enough to be a slip of the fingers.
///
/// `.`, `-` and `_` count as equal, and so do capitals.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let distance_max = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.to_ascii_lowercase().replace(['.', '-'], "_")
}

/// Edits (insert, delete, replace) from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 3] = ["commit_interval_ms", "workers", "limits.memory_bytes_max"];

    #[test]
    fn slips_find_their_word() {
        assert_eq!(nearest("comit_interval_ms", WORDS), Some("commit_interval_ms"));
        assert_eq!(nearest("commit.interval.ms", WORDS), Some("commit_interval_ms"));
        assert_eq!(nearest("commit_interval", WORDS), Some("commit_interval_ms"));
        assert_eq!(nearest("Worker", WORDS), Some("workers"));
        assert_eq!(nearest("limit.memory_bytes", WORDS), Some("limits.memory_bytes_max"));
    }

    #[test]
    fn strangers_find_nothing() {
        assert_eq!(nearest("colour", WORDS), None);
        assert_eq!(nearest("", WORDS), None);
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
