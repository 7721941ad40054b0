//! A consumer group as its coordinator keeps it: members, generations, committed offsets.
//!
//! ```text
//!             a member joins, leaves or is lost
//!          ┌──────────────────────────────────────┐
//!          v                                      │
//!     rebalancing ── all have joined ──> generation n + 1
//! ```
//!
//! A member that has heard of its generation holds partitions until it joins again. Who gets what is not decided
//! here: real members do that among themselves, simulated ones as [`crate::eager`] says.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use host_core::effect::CommitOffset;
use host_core::record::{Offset, TopicPartition};

/// Who a client says it is when it commits: member and generation; none: the empty identity of a client
/// that was thrown out, which brokers do not check.
pub type Identity = Option<(u64, i32)>;

#[derive(Clone, Debug, Default)]
struct Member {
    /// It has been told its generation and has not joined again.
    holds: bool,
    told: i32,
}

/// One group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub(crate) partitions: Vec<TopicPartition>,
    generation: i32,
    members: BTreeMap<u64, Member>,
    next_member: u64,
    rebalancing: bool,
    committed: BTreeMap<TopicPartition, (Offset, String)>,
}

impl Group {
    /// A new member.
    pub fn join(&mut self) -> u64 {
        self.next_member += 1;
        self.members.insert(self.next_member, Member { told: self.generation, ..Member::default() });
        self.rebalancing = true;
        self.next_member
    }

    /// A member joins again: it has let go of everything, and the others have to.
    pub fn rejoin(&mut self, member: u64) {
        self.release(member);
        self.rebalancing |= self.members.contains_key(&member);
    }

    /// A member is gone: it left, or it was thrown out.
    pub fn remove(&mut self, member: u64) {
        if self.members.remove(&member).is_some() {
            self.rebalancing = true;
        }
    }

    /// The member has let go of everything.
    pub fn release(&mut self, member: u64) {
        if let Some(member) = self.members.get_mut(&member) {
            member.holds = false;
        }
    }

    /// True if an offset commit of this identity is taken.
    pub fn accepts(&self, identity: Identity) -> bool {
        match identity {
            None => true,
            Some((member, generation)) => self.members.contains_key(&member) && generation == self.generation,
        }
    }

    /// Begins a generation once nobody holds anything. True: it has begun.
    pub fn complete(&mut self) -> bool {
        if !self.rebalancing || self.members.values().any(|member| member.holds) || self.members.is_empty() {
            return false;
        }
        self.rebalancing = false;
        self.generation += 1;
        true
    }

    /// The member hears of its generation now, and so holds what that gives it.
    pub fn tell(&mut self, member: u64) {
        let generation = self.generation;
        if let Some(member) = self.members.get_mut(&member) {
            member.told = generation;
            member.holds = true;
        }
    }

    /// The number of the generation; 0 before the first.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// True until all members have joined.
    pub fn is_rebalancing(&self) -> bool {
        self.rebalancing
    }

    /// All members, the eldest first.
    pub fn members(&self) -> impl Iterator<Item = u64> {
        self.members.keys().copied()
    }

    /// Members that have not joined again yet.
    pub fn holders(&self) -> Vec<u64> {
        let holders = self.members.iter().filter(|(_, member)| member.holds);
        holders.map(|(number, _)| *number).collect()
    }

    /// True if the member holds partitions.
    pub fn holds(&self, member: u64) -> bool {
        self.members.get(&member).is_some_and(|member| member.holds)
    }

    /// True if the member has not heard of the newest generation.
    pub fn is_to_be_told(&self, member: u64) -> bool {
        self.members.get(&member).is_some_and(|member| member.told < self.generation)
    }

    /// True if this is a member.
    pub fn contains(&self, member: u64) -> bool {
        self.members.contains_key(&member)
    }

    // ---- offsets

    /// Commits offsets, whoever asks.
    pub fn commit(&mut self, offsets: impl IntoIterator<Item = CommitOffset>) {
        for offset in offsets {
            self.committed.insert(offset.source, (offset.offset, offset.metadata));
        }
    }

    /// What was committed last of a partition.
    pub fn committed(&self, at: &TopicPartition) -> Option<&(Offset, String)> {
        self.committed.get(at)
    }

    /// Partitions with a committed offset.
    pub fn committed_partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.committed.keys()
    }

    /// Forgets the offsets of a topic that is gone.
    pub fn forget_topic(&mut self, topic: &str) {
        self.committed.retain(|at, _| at.topic != topic);
    }
}
