//! Where a history branches: by a seed, or by a script that enumerates.

use host_model::Random;

/// Decides what happens next.
#[derive(Clone, Debug)]
pub enum Choices {
    /// Random, from a seed.
    Seed {
        /// Where choices come from.
        random: Random,
        /// The chance of a fault in 1,000 decisions.
        per_mille: u32,
        /// Faults so far.
        fired: u64,
    },
    /// The first fault decisions follow the script, all later ones are "no fault"; schedules are fixed.
    /// `seen` gathers how many options each decision had.
    Script {
        /// The option to take at each fault decision.
        script: Vec<usize>,
        /// How many options each fault decision so far had.
        seen: Vec<usize>,
    },
    /// No faults, from a seed: the end of a history, when everything must heal.
    Calm {
        /// Where choices come from.
        random: Random,
        /// Faults before.
        fired: u64,
    },
}

impl Choices {
    /// Random choices of a seed, with so many faults in 1,000 decisions.
    pub fn seed(seed: u64, faults_per_mille: u32) -> Self {
        Self::Seed { random: Random::new(seed), per_mille: faults_per_mille, fired: 0 }
    }

    /// Random choices of a seed, without faults.
    pub fn calm(seed: u64) -> Self {
        Self::Calm { random: Random::new(seed), fired: 0 }
    }

    /// The same without faults from now on; a script ends by itself.
    #[must_use]
    pub fn calmed(self) -> Self {
        match self {
            Self::Seed { random, fired, .. } => Self::Calm { random, fired },
            others => others,
        }
    }

    /// How many faults there were; of a script it is not told.
    pub fn fired(&self) -> u64 {
        match self {
            Self::Seed { fired, .. } | Self::Calm { fired, .. } => *fired,
            Self::Script { .. } => 0,
        }
    }

    /// Which of `options` things goes next.
    pub fn schedule(&mut self, options: usize) -> usize {
        match self {
            Self::Seed { random, .. } | Self::Calm { random, .. } => random.below(options),
            Self::Script { .. } => 0,
        }
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        match self {
            Self::Script { .. } => false,
            _ => self.schedule(n) == 0,
        }
    }

    /// Which fault happens: 0 = none, else one of `options`.
    pub fn fault(&mut self, options: usize) -> usize {
        match self {
            Self::Seed { random, per_mille, fired } => {
                if random.number() % 1000 < u64::from(*per_mille) {
                    *fired += 1;
                    1 + random.below(options)
                } else {
                    0
                }
            }
            Self::Script { script, seen } => {
                let choice = script.get(seen.len()).copied().unwrap_or(0);
                seen.push(options);
                choice
            }
            Self::Calm { .. } => 0,
        }
    }
}

/// All scripts with at most `faults` faults, given how many options each decision of the run before had.
/// Answers the next script in order, or none when all are done.
pub fn next_script(script: &[usize], seen: &[usize], faults: usize) -> Option<Vec<usize>> {
    let mut full: Vec<usize> = script.to_vec();
    full.resize(seen.len(), 0);
    for i in (0..full.len()).rev() {
        let before = full[..i].iter().filter(|&&choice| choice > 0).count();
        if full[i] < seen[i] && before < faults {
            full[i] += 1;
            full.truncate(i + 1);
            return Some(full);
        }
    }
    None
}
