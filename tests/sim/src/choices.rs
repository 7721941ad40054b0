//! Where a history branches: by a seed, or by a script that enumerates.

/// Decides what happens next.
#[derive(Clone, Debug)]
pub enum Choices {
    /// Random, from a seed; the second field is the chance of a fault in 1,000 decisions.
    Seed(u64, u32),
    /// The first fault decisions follow the script, all later ones are "no fault"; schedules are fixed.
    /// `seen` gathers how many options each decision had.
    Script {
        /// The option to take at each fault decision.
        script: Vec<usize>,
        /// How many options each fault decision so far had.
        seen: Vec<usize>,
    },
    /// No faults, from a seed: the end of a history, when everything must heal.
    Calm(u64),
}

impl Choices {
    /// Which of `options` things goes next.
    pub fn schedule(&mut self, options: usize) -> usize {
        match self {
            Self::Seed(state, _) | Self::Calm(state) => (next(state) % options as u64) as usize,
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
            Self::Seed(state, per_mille) => {
                if next(state) % 1000 < u64::from(*per_mille) {
                    1 + (next(state) % options as u64) as usize
                } else {
                    0
                }
            }
            Self::Script { script, seen } => {
                let choice = script.get(seen.len()).copied().unwrap_or(0);
                seen.push(options);
                choice
            }
            Self::Calm(_) => 0,
        }
    }
}

/// Splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
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
