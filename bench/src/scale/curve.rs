//! What is changed, and how far.

use crate::options::Options;

/// What a run has of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Of each application.
    pub(super) records: u64,
    pub(super) keys: u64,
    pub(super) partitions: u32,
    /// Key and value of an input record together, at least the line itself.
    pub(super) record_bytes: usize,
    pub(super) workers: u32,
    pub(super) batch_records: u32,
    /// Applications at once, each a process with a module of its own.
    pub(super) modules: u32,
}

impl Shape {
    /// What does not change is this.
    pub(super) const BASE: Self = Self {
        records: 2_000_000,
        keys: 10_000,
        partitions: 4,
        record_bytes: 10,
        workers: 2,
        batch_records: 10_000,
        modules: 1,
    };

    pub(super) fn line(self) -> String {
        let Self { records, keys, partitions, record_bytes, workers, batch_records, modules } = self;
        format!(
            "sum.wasm, exactly-once, --repartition never; where not said otherwise {records} records of about \
             {record_bytes} bytes, {keys} keys, {partitions} partitions, {workers} workers, batches of up to \
             {batch_records} records, {modules} application"
        )
    }
}

/// One thing that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    Keys,
    Partitions,
    RecordBytes,
    Workers,
    BatchRecords,
    Modules,
}

impl Curve {
    pub(super) const ALL: [Self; 6] =
        [Self::Keys, Self::Partitions, Self::RecordBytes, Self::Workers, Self::BatchRecords, Self::Modules];

    /// For `--only`, and in the names of topics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Partitions => "partitions",
            Self::RecordBytes => "record-bytes",
            Self::Workers => "workers",
            Self::BatchRecords => "batch-records",
            Self::Modules => "modules",
        }
    }

    /// For tables and pictures.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Partitions => "partitions",
            Self::RecordBytes => "bytes a record",
            Self::Workers => "workers",
            Self::BatchRecords => "records a batch, at most",
            Self::Modules => "applications, each a process with its own module",
        }
    }

    /// What of a shape this curve is drawn over.
    pub(super) fn across(self, shape: Shape) -> u64 {
        match self {
            Self::Keys => shape.keys,
            Self::Partitions => shape.partitions.into(),
            Self::RecordBytes => shape.record_bytes as u64,
            Self::Workers => shape.workers.into(),
            Self::BatchRecords => shape.batch_records.into(),
            Self::Modules => shape.modules.into(),
        }
    }

    /// Its points. `--records` replaces the number of records everywhere, for a quick look.
    pub(super) fn shapes(self, options: &Options) -> Vec<Shape> {
        let base = Shape::BASE;
        let shapes: Vec<Shape> = match self {
            // Every key once, and half of them again.
            Self::Keys => [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
                .map(|keys| Shape { keys, records: base.records.max(keys + keys / 2), ..base })
                .to_vec(),
            Self::Partitions => [1, 2, 4, 8, 16, 32].map(|partitions| Shape { partitions, ..base }).to_vec(),
            // At most 2 GB.
            Self::RecordBytes => [(10, 2_000_000), (100, 2_000_000), (1_000, 1_000_000), (10_000, 200_000)]
                .map(|(record_bytes, records)| Shape { records, record_bytes, ..base })
                .to_vec(),
            Self::Workers => [1, 2, 3, 4].map(|workers| Shape { workers, ..base }).to_vec(),
            Self::BatchRecords => {
                [100, 1_000, 10_000, 50_000].map(|batch_records| Shape { batch_records, ..base }).to_vec()
            }
            Self::Modules => {
                [1, 2, 4, 8].map(|modules| Shape { modules, records: 1_000_000, ..base }).to_vec()
            }
        };
        shapes.into_iter().map(|shape| Shape { records: options.records(shape.records), ..shape }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_rise_and_change_one_thing() -> anyhow::Result<()> {
        let options = Options::parse(["--bootstrap-servers", "b"].map(String::from).into_iter())?;
        for curve in Curve::ALL {
            let shapes = curve.shapes(&options);
            assert!(shapes.len() >= 4, "{curve:?}");
            for pair in shapes.windows(2) {
                assert!(curve.across(pair[0]) < curve.across(pair[1]), "{curve:?}");
            }
            for other in Curve::ALL.into_iter().filter(|other| *other != curve) {
                let all = shapes.iter().map(|shape| other.across(*shape));
                assert!(
                    all.into_iter().all(|value| value == other.across(Shape::BASE)),
                    "{curve:?} {other:?}"
                );
            }
        }
        Ok(())
    }
}
