//! Emptying the repartition topic: nothing new goes in, what is in it comes out. Then a module with another
//! row-schema may take over.

use super::{Group, Machine};
use crate::effect::Effect;
use crate::operator::Operator;
use crate::task::{Phase, Task};
use crate::topology::Then;
use crate::transaction::Transaction;

/// Holding begins and ends with one of the next events.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hold {
    /// Nothing new goes into the repartition topic.
    is_on: bool,
    is_wanted: bool,
}

impl<O: Operator> Machine<O> {
    /// True: stops reading the inputs whose rows go to the repartition topic. False: reads them again. Done with
    /// one of the next events.
    pub fn hold(&mut self, hold: bool) {
        self.hold.is_wanted = hold;
    }

    pub(super) fn settle_hold(&mut self) {
        if self.hold.is_on == self.hold.is_wanted {
            return;
        }
        self.hold.is_on = self.hold.is_wanted;
        if self.group != Group::In {
            return;
        }
        for i in 0..self.tasks.len() {
            if self.feeds_repartition(&self.tasks[i]) {
                if self.hold.is_on { self.pause(i) } else { self.read_again(i) }
            }
        }
    }

    /// True when nothing of this worker is on its way into the repartition topic.
    pub fn holds(&self) -> bool {
        self.hold.is_on && self.hold.is_wanted && self.transaction == Transaction::Idle
    }

    pub(super) fn is_held(&self, task: &Task) -> bool {
        self.hold.is_on && self.feeds_repartition(task)
    }

    /// True when nothing of this task may be processed now.
    pub(super) fn is_paused(&self, task: &Task) -> bool {
        task.is_set_back() || self.is_held(task)
    }

    fn feeds_repartition(&self, task: &Task) -> bool {
        self.topology().stages(&task.source.topic).then == Then::Repartition
    }

    pub(super) fn pause(&mut self, i: usize) {
        let source = self.tasks[i].source.clone();
        self.effects.push_back(Effect::Pause { source });
    }

    /// Reads on at the task's position, unless it is held or set back.
    pub(super) fn read_again(&mut self, i: usize) {
        let task = &self.tasks[i];
        if task.phase == Phase::Running {
            self.effects.push_back(Effect::Seek { source: task.source.clone(), offset: task.position });
            if self.is_paused(&self.tasks[i]) {
                self.pause(i);
            }
        }
    }
}
