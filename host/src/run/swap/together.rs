//! Swaps of a fleet: whoever is asked announces the module on the control topic, and every process follows.

use super::{Candidate, Installed, Refused, Step, Swapper, lock};
use crate::run::fleet::{Announced, Fleet, Late};
use crate::run::purpose::Purpose;
use std::sync::Arc;
use std::time::Instant;

/// A module as the control topic has it: digest, bytes, signature.
type Bytes = (String, Vec<u8>, Option<Vec<u8>>);

impl Swapper {
    /// Takes a version that was announced, by this process or another.
    ///
    /// # Errors
    /// This process cannot run it, and so must not go on.
    pub(in crate::run) fn follow(&self, announced: &Announced) -> Result<(), Refused> {
        let began = Instant::now();
        let (number, current) = {
            let modules = lock(&self.modules);
            (modules.number, Arc::clone(&modules.current))
        };
        if announced.version > number && announced.digest != current.digest() {
            let Announced { version, digest, bytes, signature, by, purpose } = announced;
            tracing::info!(version, digest, by, "the application has another module");
            self.check_signature(bytes, signature.as_deref())?;
            let module = self.load(bytes, &current, false)?;
            if let Purpose::FellBack(reason) = purpose {
                self.note_no_good(current.digest(), reason);
            }
            self.install(&module, *version, purpose, began);
        }
        lock(&self.modules).number = announced.version.max(number);
        if let Some(fleet) = &self.application.fleet {
            fleet.note_installed(announced.version);
        }
        Ok(())
    }

    /// Announces a module and waits until this process runs it.
    pub(super) fn announce(
        &self,
        digest: &str,
        candidate: Candidate<'_>,
        began: Instant,
    ) -> Result<Installed, Refused> {
        let number = lock(&self.modules).number;
        let Candidate { bytes, signature, .. } = candidate;
        self.announce_behind(number, (digest, bytes, signature), &Purpose::Swap, began)
            .map_err(|error| in_group(&error))
    }

    /// All go back, as somebody wants.
    pub(super) fn roll_fleet_back(&self, began: Instant) -> Result<Installed, Refused> {
        let number = lock(&self.modules).number;
        let (digest, bytes, signature) = self.before_in_fleet()?;
        let module = (digest.as_str(), bytes.as_slice(), signature.as_deref());
        let done = self.announce_behind(number, module, &Purpose::Rollback, began);
        self.noted(&digest, done.map_err(|error| in_group(&error)))
    }

    /// All go back, as version `number`, which is `bad`, is no good.
    pub(super) fn fall_back_together(&self, bad: &str, number: u64, reason: &str) {
        let purpose = Purpose::FellBack(reason.to_owned());
        let announced = self.before_in_fleet().map_err(anyhow::Error::from).and_then(|found| {
            let (digest, bytes, signature) = found;
            let module = (digest.as_str(), bytes.as_slice(), signature.as_deref());
            self.announce_behind(number, module, &purpose, Instant::now())
        });
        match announced {
            Ok(_) => {}
            // Another process has fallen back as well, and has told all of them why.
            Err(error) if error.is::<Late>() => tracing::info!("{error:#}"),
            // It may have been fenced by one that was faster too; then that one's word is followed.
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(module = bad, reason, error, "cannot tell that the module is no good");
            }
        }
    }

    fn before_in_fleet(&self) -> Result<Bytes, Refused> {
        let before = self.application.fleet.as_ref().and_then(Fleet::before);
        before.ok_or_else(|| {
            let text = "the control topic holds one module only, so there is none to go back to";
            Refused::new(Step::Read, text)
        })
    }

    /// Announces a module as the version behind `number`, and waits until this process runs it.
    fn announce_behind(
        &self,
        number: u64,
        (digest, bytes, signature): (&str, &[u8], Option<&[u8]>),
        purpose: &Purpose,
        began: Instant,
    ) -> anyhow::Result<Installed> {
        let fleet = self.application.fleet.as_ref().expect("asked by the caller");
        let version = fleet.announce(Some(number), digest, bytes, signature, purpose)?;
        fleet.wait_for(version)?;
        Ok(Installed { version, digest: digest.to_owned(), took: began.elapsed(), pause: self.pause() })
    }
}

fn in_group(error: &anyhow::Error) -> Refused {
    Refused::new(Step::Group, format!("{error:#}"))
}
