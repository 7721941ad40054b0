//! An operator whose faults cost no time that is counted: with a real clock no run would be like another.

use host_core::operator::{Description, Fault, Groups, Operator, Processed, Reduced, Transformed};
use host_core::record::{BytesColumn, Origin, Rows};

/// See the module's documentation.
pub(super) struct Steady(pub(super) Box<dyn Operator + Send>);

fn steady(fault: Fault) -> Fault {
    Fault { spent_us: 0, ..fault }
}

impl Operator for Steady {
    fn description(&self) -> &Description {
        self.0.description()
    }

    fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        self.0.transform(origin, rows).map_err(steady)
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        self.0.reduce(groups, every).map_err(steady)
    }

    fn process(&mut self, groups: &Groups) -> Result<Processed, Fault> {
        self.0.process(groups).map_err(steady)
    }

    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.0.finish(keys, accumulators).map_err(steady)
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.0.merge(left, right).map_err(steady)
    }
}
