//! A model of a consumer group: members, generations, an eager range assignment.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use host_core::record::TopicPartition;

/// Who a client says it is when it commits: member and generation; none: the empty identity of a client
/// that was thrown out, which brokers do not check.
pub type Identity = Option<(u64, i32)>;

/// What a member has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nothing new.
    Nothing,
    /// Let go of everything, then release.
    Revoked,
    /// The group has thrown it out.
    Lost,
    /// A new generation gives it these.
    Assigned(i32, Vec<TopicPartition>),
}

#[derive(Clone, Debug, Default)]
struct Member {
    assignment: Vec<TopicPartition>,
    /// It has been told its assignment and has not released it.
    holds: bool,
    told: i32,
}

/// One group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    partitions: Vec<TopicPartition>,
    generation: i32,
    members: BTreeMap<u64, Member>,
    next_member: u64,
    rebalancing: bool,
}

impl Group {
    /// What its members share out: partitions with equal numbers go to the same member.
    pub fn subscribe(&mut self, partitions: Vec<TopicPartition>) {
        self.partitions = partitions;
    }

    /// A new member.
    pub fn join(&mut self) -> u64 {
        self.next_member += 1;
        self.members.insert(self.next_member, Member { told: self.generation, ..Member::default() });
        self.rebalancing = true;
        self.next_member
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

    /// What a member is to do now.
    pub fn poll(&mut self, member: u64) -> Notice {
        self.complete();
        let generation = self.generation;
        let rebalancing = self.rebalancing;
        let Some(member) = self.members.get_mut(&member) else { return Notice::Lost };
        if member.holds && (rebalancing || member.told < generation) {
            return Notice::Revoked;
        }
        if member.told < generation && !rebalancing {
            member.told = generation;
            member.holds = true;
            return Notice::Assigned(generation, member.assignment.clone());
        }
        Notice::Nothing
    }

    /// Gives everything out anew once nobody holds anything.
    fn complete(&mut self) {
        if !self.rebalancing || self.members.values().any(|member| member.holds) || self.members.is_empty() {
            return;
        }
        self.rebalancing = false;
        self.generation += 1;
        let n = self.members.len() as u32;
        for (i, member) in self.members.values_mut().enumerate() {
            let mine = self.partitions.iter().filter(|tp| tp.partition % n == i as u32);
            member.assignment = mine.cloned().collect();
        }
    }
}
