//! Simulated members of a [`Group`]: they share out partitions by their numbers, and let go of all of them before
//! they join again.

use crate::group::Group;
use alloc::vec::Vec;
use host_core::record::TopicPartition;

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

impl Group {
    /// What its members share out: partitions with equal numbers go to the same member.
    pub fn subscribe(&mut self, partitions: Vec<TopicPartition>) {
        self.partitions = partitions;
    }

    /// What a member is to do now.
    pub fn poll(&mut self, member: u64) -> Notice {
        self.complete();
        if !self.contains(member) {
            return Notice::Lost;
        }
        let is_old = self.is_to_be_told(member);
        if self.holds(member) && (self.is_rebalancing() || is_old) {
            return Notice::Revoked;
        }
        if is_old && !self.is_rebalancing() {
            self.tell(member);
            return Notice::Assigned(self.generation(), self.share_of(member));
        }
        Notice::Nothing
    }

    /// Since the generation began nobody has come or gone, or it would be over.
    fn share_of(&self, member: u64) -> Vec<TopicPartition> {
        let n = self.members().count() as u32;
        let place = self.members().position(|other| other == member).map(|place| place as u32);
        let mine = self.partitions.iter().filter(|tp| Some(tp.partition % n) == place);
        mine.cloned().collect()
    }
}
