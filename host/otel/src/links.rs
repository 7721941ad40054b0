//! The links of a span while it is open: one for each context, bounded.

use crate::context::Context;
use crate::span::Link;
use std::collections::HashSet;

/// Links of a span; what comes then is counted.
pub const LINKS_MAX: usize = 128;
/// Contexts of a span that are known when they come again. One that comes later counts each time.
const CONTEXTS_MAX: usize = 4096;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Links {
    kept: Vec<Link>,
    /// Those of links that were kept, and of some that were not.
    seen: HashSet<Context>,
    dropped: u32,
}

impl Links {
    /// Adds the link to this context, if it is new and there is place.
    pub(crate) fn add(&mut self, context: Context, link: impl FnOnce() -> Link) {
        if self.seen.contains(&context) {
            return;
        }
        if self.seen.len() < CONTEXTS_MAX {
            self.seen.insert(context);
        }
        if self.kept.len() < LINKS_MAX {
            self.kept.push(link());
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// The links, and how many more there would have been.
    pub(crate) fn into_parts(self) -> (Vec<Link>, u32) {
        (self.kept, self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(links: &mut Links, span_id: u64) {
        let context = Context { trace_id: 1, span_id, is_sampled: true };
        links.add(context, || Link { context, attributes: Vec::new() });
    }

    fn counts(links: Links) -> (usize, u32) {
        let (kept, dropped) = links.into_parts();
        (kept.len(), dropped)
    }

    #[test]
    fn a_context_counts_once_whether_there_was_place_for_it_or_not() {
        let mut links = Links::default();
        for _ in 0..2 {
            for span_id in 1..=LINKS_MAX as u64 + 1 {
                add(&mut links, span_id);
            }
        }
        assert_eq!(counts(links), (LINKS_MAX, 1));
    }

    #[test]
    fn what_is_remembered_of_a_span_is_bounded() {
        let mut links = Links::default();
        for span_id in 1..=2 * CONTEXTS_MAX as u64 {
            add(&mut links, span_id);
        }
        assert_eq!(links.seen.len(), CONTEXTS_MAX);
        assert_eq!(counts(links), (LINKS_MAX, (2 * CONTEXTS_MAX - LINKS_MAX) as u32));
    }
}
