//! Raises an alarm when a number is far from the mean of its key: more than `threshold` standard deviations.
#![deny(unsafe_code)]

mod number;

use std::fmt::Write as _;

use guest_sdk::{Accumulator, Bytes, Error, Operator, Output, Process, Settings, Value};
use number::Fixed;

/// Standard deviations from the mean, by default.
const THRESHOLD_DEFAULT: f64 = 3.0;
/// Numbers of a key before its first alarm, by default.
const WARM_UP_DEFAULT: u64 = 30;

/// The operator.
#[derive(Debug)]
pub struct Anomaly {
    field: Option<String>,
    threshold: f64,
    warm_up: u64,
    /// Numbers that raise an alarm count for the mean, too.
    learns_all: bool,
}

/// Count, mean, and sum of squared distances from the mean (Welford) of the numbers of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usual {
    count: u64,
    mean: f64,
    m2: f64,
}

impl Operator for Anomaly {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "welford:count,mean,m2";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["field", "threshold", "warm_up", "learn"])?;
        let threshold: f64 = settings.parse("threshold", THRESHOLD_DEFAULT)?;
        if !(threshold.is_finite() && threshold > 0.0) {
            return Err(format!("setting `threshold` is {threshold}; give a number above 0"));
        }
        let warm_up: u64 = settings.parse("warm_up", WARM_UP_DEFAULT)?;
        if warm_up < 2 {
            return Err(format!(
                "setting `warm_up` is {warm_up}; one number has no deviation: give 2 or more"
            ));
        }
        let learns_all = match settings.get("learn").unwrap_or("all") {
            "all" => true,
            "normal" => false,
            other => return Err(format!("setting `learn` is `{other}`; it may be all or normal")),
        };
        Ok(Self { field: settings.get("field").map(str::to_owned), threshold, warm_up, learns_all })
    }
}

impl Process for Anomaly {
    type Accumulator = Usual;

    fn process(
        &mut self,
        usual: &mut Option<Usual>,
        value: Value<'_>,
        out: &mut Output,
    ) -> Result<(), Error> {
        let number = number::read(value.bytes, self.field.as_deref())?;
        let usual = usual.get_or_insert_default();
        let is_alarm = usual.count >= self.warm_up && usual.is_far(number, self.threshold);
        if is_alarm {
            out.emit(value.key, usual.alarm(number)?);
        }
        if self.learns_all || !is_alarm {
            usual.add(number);
        }
        Ok(())
    }
}

impl Usual {
    fn add(&mut self, number: f64) {
        self.count += 1;
        let from_mean = number - self.mean;
        self.mean += from_mean / self.count as f64;
        self.m2 += from_mean * (number - self.mean);
    }

    /// Of a sample (divided by count - 1).
    fn deviation(&self) -> f64 {
        (self.m2 / self.count.saturating_sub(1) as f64).sqrt()
    }

    fn is_far(&self, number: f64, threshold: f64) -> bool {
        (number - self.mean).abs() > threshold * self.deviation()
    }

    /// `z` is null where all numbers before were the same.
    fn alarm(&self, number: f64) -> Result<String, Error> {
        let deviation = self.deviation();
        let z = (deviation > 0.0).then(|| (number - self.mean) / deviation);
        let mut text = String::new();
        write!(text, "{{\"value\":{},\"mean\":{}", Fixed(Some(number)), Fixed(Some(self.mean)))?;
        write!(
            text,
            ",\"deviation\":{},\"z\":{},\"count\":{}}}",
            Fixed(Some(deviation)),
            Fixed(z),
            self.count
        )?;
        Ok(text)
    }
}

impl Accumulator for Usual {
    fn encode(&self, out: &mut Bytes) {
        out.push(&self.count.to_le_bytes());
        out.push(&self.mean.to_le_bytes());
        out.push(&self.m2.to_le_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let [count, mean, m2] = bytes.as_chunks::<8>().0 else { return None };
        let is_whole = bytes.len() == 24;
        let float = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes);
        is_whole.then(|| Self { count: u64::from_le_bytes(*count), mean: float(mean), m2: float(m2) })
    }
}

guest_sdk::export!(Anomaly: process);
