//! What the broker keeps of a group's members beside the model: their names, what they support, what the leader gave
//! them, and when they were seen last.

use bytes::Bytes;
use host_model::group::Group;
use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a client may take to join with the id that it was given.
const AWAITED_MAX: Duration = Duration::from_mins(5);

/// One member.
pub(crate) struct Member {
    pub(crate) id: String,
    /// It is a static member of this name.
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    /// Names with what the member says under each; the one it likes best first.
    pub(crate) protocols: Vec<(StrBytes, Bytes)>,
    pub(crate) assignment: Bytes,
    pub(crate) session: Duration,
    pub(crate) rebalance: Duration,
    pub(crate) seen: Instant,
    /// A request of it waits here, so that it cannot send heartbeats.
    pub(crate) is_waiting: bool,
}

/// The members of one group.
#[derive(Default)]
pub(crate) struct Members {
    /// By the model's numbers.
    pub(crate) all: BTreeMap<u64, Member>,
    /// Ids that were given and have not joined yet, with when.
    pub(crate) awaited: BTreeMap<String, Instant>,
    pub(crate) leader: Option<u64>,
    pub(crate) kind: String,
    pub(crate) protocol: StrBytes,
    /// The generation whose assignments are here.
    pub(crate) synced: i32,
    rebalancing_since: Option<Instant>,
    /// More members may come until then.
    open_until: Option<Instant>,
}

impl Members {
    /// The number of the member that a request says it comes from.
    pub(crate) fn identify(&self, id: &str, instance: Option<&str>) -> Result<u64, ResponseError> {
        match instance {
            Some(instance) => match self.of_instance(instance) {
                Some(number) if self.all[&number].id == id => Ok(number),
                Some(_) => Err(ResponseError::FencedInstanceId),
                None => Err(ResponseError::UnknownMemberId),
            },
            None => self.of_id(id).ok_or(ResponseError::UnknownMemberId),
        }
    }

    pub(crate) fn of_id(&self, id: &str) -> Option<u64> {
        self.all.iter().find(|(_, member)| member.id == id).map(|(number, _)| *number)
    }

    pub(crate) fn of_instance(&self, instance: &str) -> Option<u64> {
        let is_it = |member: &Member| member.instance.as_deref() == Some(instance);
        self.all.iter().find(|(_, member)| is_it(member)).map(|(number, _)| *number)
    }

    /// True if everybody knows what is theirs.
    pub(crate) fn is_stable(&self, group: &Group) -> bool {
        !self.all.is_empty() && !group.is_rebalancing() && self.synced == group.generation()
    }

    /// True if all members, and one more who supports these, have a protocol in common.
    pub(crate) fn supports(&self, protocols: &[(StrBytes, Bytes)], but: Option<u64>) -> bool {
        protocols.iter().any(|(name, _)| {
            self.all.iter().filter(|(number, _)| Some(**number) != but).all(|(_, member)| member.knows(name))
        })
    }

    /// A member joins. The first of all waits so long for others.
    pub(crate) fn add(&mut self, number: u64, member: Member, delay: Duration) {
        if self.all.is_empty() {
            self.open_until = Some(member.seen + delay);
        }
        self.all.insert(number, member);
    }

    /// Throws out who has not been seen for too long, and begins a generation when all have joined. True: something
    /// has changed.
    pub(crate) fn settle(&mut self, group: &mut Group, now: Instant) -> bool {
        self.awaited.retain(|_, since| now - *since < AWAITED_MAX);
        let is_lost = |member: &Member| !member.is_waiting && now - member.seen > member.session;
        let mut lost: Vec<u64> =
            self.all.iter().filter(|(_, member)| is_lost(member)).map(|(number, _)| *number).collect();
        if group.is_rebalancing() && !self.all.is_empty() {
            let since = *self.rebalancing_since.get_or_insert(now);
            let patience = self.all.values().map(|member| member.rebalance).max().unwrap_or_default();
            if now - since > patience {
                lost.extend(group.holders());
            }
        } else {
            self.rebalancing_since = None;
        }
        for number in &lost {
            self.remove(group, *number);
        }
        let began = self.open_until.is_none_or(|until| now >= until) && group.complete();
        if began {
            self.begin();
        }
        began || !lost.is_empty()
    }

    pub(crate) fn remove(&mut self, group: &mut Group, number: u64) {
        group.remove(number);
        self.all.remove(&number);
    }

    /// A generation begins: somebody leads it, with a protocol that all know.
    fn begin(&mut self) {
        (self.rebalancing_since, self.open_until) = (None, None);
        self.leader = self.leader.filter(|leader| self.all.contains_key(leader));
        self.leader = self.leader.or_else(|| self.all.keys().next().copied());
        self.protocol = self.elected();
        for member in self.all.values_mut() {
            member.assignment = Bytes::new();
        }
    }

    /// Each member votes for the first of its protocols that all know.
    fn elected(&self) -> StrBytes {
        let mut votes: BTreeMap<&StrBytes, usize> = BTreeMap::new();
        for member in self.all.values() {
            let mut names = member.protocols.iter().map(|(name, _)| name);
            if let Some(name) = names.find(|name| self.all.values().all(|other| other.knows(name))) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
        most.map(|(name, _)| name.clone()).unwrap_or_default()
    }
}

impl Member {
    fn knows(&self, protocol: &StrBytes) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// What it said under this protocol.
    pub(crate) fn metadata(&self, protocol: &StrBytes) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }
}
