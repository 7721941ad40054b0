//! Which request meets which fate. Pure: the same requests in the same order always have the same ones.

use crate::request::Request;
use kafka_protocol::messages::ApiKey;
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The broker gets it so much later, and all that follow on its connection.
    Delay(Duration),
    /// It is kept, and all that follow on its connection, until the fault is released; then the broker gets it, even
    /// if the client has gone. Dropped: nobody ever gets it.
    Hold,
    /// As `Hold`, and the client's connection breaks at once: it tries again on another one, and the broker gets the
    /// request late.
    HoldAndDisconnect,
    /// The broker never sees it, and the client's connection breaks.
    DisconnectBefore,
    /// The broker performs it; instead of the answer the client sees its connection break.
    DisconnectAfter,
    /// The broker performs it, and the client waits in vain.
    DropResponse,
    /// The broker never sees it, and the client gets this error code.
    Refuse(i16),
    /// The broker performs it, and the client gets this error code instead of the answer.
    Stamp(i16),
    /// Request and response go on byte by byte.
    Trickle,
}

/// Which requests, how many of them, and what becomes of those.
#[derive(Clone, Debug)]
pub struct Rule {
    action: Action,
    api: Option<ApiKey>,
    client: String,
    containing: Vec<u8>,
    skipped: u64,
    times: u64,
    one_in: u64,
}

impl Rule {
    /// All requests of all clients.
    pub fn new(action: Action) -> Self {
        let (client, containing) = (String::new(), Vec::new());
        Self { action, api: None, client, containing, skipped: 0, times: u64::MAX, one_in: 1 }
    }

    /// Only requests of this kind.
    #[must_use]
    pub fn on(mut self, api: ApiKey) -> Self {
        self.api = Some(api);
        self
    }

    /// Only of clients whose id begins so.
    #[must_use]
    pub fn of(mut self, client: &str) -> Self {
        client.clone_into(&mut self.client);
        self
    }

    /// Only those in whose bytes this text is found: the name of a topic, for one.
    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = text.as_bytes().to_vec();
        self
    }

    /// Not the first so many of them.
    #[must_use]
    pub fn after(mut self, skipped: u64) -> Self {
        self.skipped = skipped;
        self
    }

    /// So many of them, at most.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// One in so many of them, beginning with the first that is not skipped.
    #[must_use]
    pub fn one_in(mut self, one_in: u64) -> Self {
        self.one_in = one_in.max(1);
        self
    }

    fn matches(&self, request: &Request, frame: &[u8]) -> bool {
        self.api.is_none_or(|api| request.api == Some(api))
            && request.client_id.starts_with(&self.client)
            && (self.containing.is_empty()
                || frame.windows(self.containing.len()).any(|bytes| bytes == self.containing))
    }
}

/// Names a rule that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(u64);

#[derive(Debug)]
struct Entry {
    id: RuleId,
    rule: Rule,
    seen: u64,
    fired: u64,
}

impl Entry {
    fn fires(&mut self) -> bool {
        let seen = self.seen;
        self.seen += 1;
        let at = seen.checked_sub(self.rule.skipped);
        let fires = at.is_some_and(|at| at.is_multiple_of(self.rule.one_in)) && self.fired < self.rule.times;
        self.fired += u64::from(fires);
        fires
    }
}

/// The rules that hold now.
#[derive(Debug, Default)]
pub struct Rules {
    entries: Vec<Entry>,
    next: u64,
}

impl Rules {
    /// Adds a rule behind those that are there.
    pub fn add(&mut self, rule: Rule) -> RuleId {
        let id = RuleId(self.next);
        self.next += 1;
        self.entries.push(Entry { id, rule, seen: 0, fired: 0 });
        id
    }

    /// Takes a rule away.
    pub fn remove(&mut self, id: RuleId) {
        self.entries.retain(|entry| entry.id != id);
    }

    /// How often a rule has fired; 0 when it is gone.
    pub fn fired(&self, id: RuleId) -> u64 {
        self.entries.iter().find(|entry| entry.id == id).map_or(0, |entry| entry.fired)
    }

    /// The first rule that fires for this request. Those behind it do not count it.
    pub fn decide(&mut self, request: &Request, frame: &[u8]) -> Option<(RuleId, Action)> {
        self.entries.iter_mut().find_map(|entry| {
            let fires = entry.rule.matches(request, frame) && entry.fires();
            fires.then_some((entry.id, entry.rule.action))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(api: ApiKey, client_id: &str) -> Request {
        Request { api: Some(api), version: 1, correlation_id: 1, client_id: client_id.to_owned() }
    }

    /// For each of `count` equal requests whether it meets the rule.
    fn fates(rule: Rule, count: usize) -> Vec<bool> {
        let mut rules = Rules::default();
        rules.add(rule);
        (0..count).map(|_| rules.decide(&request(ApiKey::EndTxn, "app-0"), b"").is_some()).collect()
    }

    #[test]
    fn a_rule_counts_what_it_skips_and_ends() {
        let rule = Rule::new(Action::Hold).on(ApiKey::EndTxn);
        assert_eq!(fates(rule.clone().after(2).times(1), 5), [false, false, true, false, false]);
        assert_eq!(fates(rule.clone().one_in(2), 5), [true, false, true, false, true]);
        assert_eq!(fates(rule.after(1).one_in(3).times(2), 9).iter().filter(|fate| **fate).count(), 2);
    }

    #[test]
    fn others_are_neither_hit_nor_counted() {
        let mut rules = Rules::default();
        let rule = Rule::new(Action::Refuse(15)).on(ApiKey::Produce).of("app-").containing("topic-a");
        let id = rules.add(rule.after(1));
        let produce = request(ApiKey::Produce, "app-0");
        for (request, frame) in [
            (&request(ApiKey::Fetch, "app-0"), b"to topic-a".as_slice()),
            (&request(ApiKey::Produce, "other-0"), b"to topic-a"),
            (&produce, b"to topic-b"),
            (&produce, b"to topic-a"),
        ] {
            assert_eq!(rules.decide(request, frame), None);
        }
        assert_eq!(rules.decide(&produce, b"topic-a"), Some((id, Action::Refuse(15))));
        assert_eq!(rules.fired(id), 1);
    }

    #[test]
    fn the_first_rule_wins_and_what_is_removed_is_gone() {
        let mut rules = Rules::default();
        let first = rules.add(Rule::new(Action::Hold).times(1));
        let second = rules.add(Rule::new(Action::Trickle));
        let request = request(ApiKey::Fetch, "");
        assert_eq!(rules.decide(&request, b""), Some((first, Action::Hold)));
        assert_eq!(rules.decide(&request, b""), Some((second, Action::Trickle)));
        rules.remove(second);
        assert_eq!(rules.decide(&request, b""), None);
        assert_eq!((rules.fired(first), rules.fired(second)), (1, 0));
    }
}
