//! Traces of transactions, when the feature `otel` is built in and the environment names a collector; else nothing.

use host_core::effect::Outgoing;
use host_core::record::Batch;

/// Where spans go. A clone is the same.
#[derive(Clone, Default)]
pub struct Collector {
    #[cfg(feature = "otel")]
    exporter: Option<host_otel::Exporter>,
}

/// What one worker does with its transactions.
#[derive(Default)]
pub struct Traces {
    #[cfg(feature = "otel")]
    tracer: Option<host_otel::Tracer>,
}

#[cfg(feature = "otel")]
mod on {
    use super::{Batch, Collector, Outgoing, Traces};
    use host_core::effect::Target;
    use host_otel::{Exporter, Settings, Tracer};

    impl Collector {
        /// As the `OTEL_` variables say. They are set for many programs at once, so one that cannot be used here costs
        /// the traces and not the application, as the standard asks.
        pub fn from_env() -> Self {
            let settings = Settings::from_env(|name| std::env::var(name).ok());
            let start = |settings| Exporter::start(settings).map_err(|error| error.to_string());
            let exporter = settings.and_then(|settings| settings.map(start).transpose());
            Self {
                exporter: exporter.unwrap_or_else(|reason| {
                    tracing::warn!(reason, "no traces of transactions");
                    None
                }),
            }
        }

        /// For the worker `client_id` of an application.
        pub fn traces(&self, application_id: &str, client_id: &str) -> Traces {
            let tracer = |exporter| Tracer::new(exporter, application_id, client_id);
            Traces { tracer: self.exporter.clone().map(tracer) }
        }
    }

    impl Traces {
        /// A batch is about to be processed.
        pub fn batch(&mut self, batch: &Batch) {
            if let Some(tracer) = &mut self.tracer {
                tracer.batch(batch);
            }
        }

        /// What is written for others to read, and over the shuffle, has the transaction's context.
        pub fn outgoing(&self, mut outgoing: Outgoing) -> Outgoing {
            let is_read = matches!(outgoing.target, Target::Output | Target::Repartition);
            if let Some(tracer) = self.tracer.as_ref().filter(|_| is_read)
                && let Some(rows) = tracer.traced(&outgoing.rows)
            {
                outgoing.rows = rows;
            }
            outgoing
        }

        /// The transaction is over; `error`: it was not committed.
        pub fn end(&mut self, error: Option<&str>) {
            if let Some(tracer) = &mut self.tracer {
                tracer.end(error.map(str::to_owned));
            }
        }
    }
}

#[cfg(not(feature = "otel"))]
mod off {
    use super::{Batch, Collector, Outgoing, Traces};

    impl Collector {
        /// Nothing.
        pub fn from_env() -> Self {
            Self::default()
        }

        /// None.
        pub fn traces(&self, _application_id: &str, _client_id: &str) -> Traces {
            Traces::default()
        }
    }

    impl Traces {
        /// Nothing.
        pub fn batch(&mut self, _batch: &Batch) {}

        /// As it is.
        pub fn outgoing(&self, outgoing: Outgoing) -> Outgoing {
            outgoing
        }

        /// Nothing.
        pub fn end(&mut self, _error: Option<&str>) {}
    }
}
