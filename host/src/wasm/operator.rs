//! A module as the core calls it: one live instance at a time, made when it is needed and thrown away after
//! any fault.

use host_core::operator::{Description, Fault, FaultKind, Groups, Operator, Processed, Reduced, Transformed};
use host_core::record::{BytesColumn, Origin, Rows};
use std::fmt;

use super::clock::thread_cpu;
use super::error::CallError;
use super::instance::{Instance, StartError};
use super::module::Module;

/// The operator of one worker. A call runs on the caller's thread, which needs a stack of 4 MiB.
pub struct WasmOperator {
    module: Module,
    instance: Option<Instance>,
}

impl fmt::Debug for WasmOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmOperator")
            .field("module", &self.module)
            .field("live", &self.instance.is_some())
            .finish()
    }
}

impl WasmOperator {
    pub(super) fn new(module: Module) -> Self {
        Self { module, instance: None }
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut Instance) -> Result<T, CallError>) -> Result<T, Fault> {
        let began = thread_cpu();
        let answer = self.try_call(call);
        let spent = thread_cpu().saturating_sub(began);
        self.module.usage().called(spent);
        answer.map_err(|CallError { kind, reason }| Fault {
            kind,
            reason,
            spent_us: u64::try_from(spent.as_micros()).unwrap_or(u64::MAX),
        })
    }

    /// The instance is out of its place during the call, so that an error of any kind drops it.
    fn try_call<T>(
        &mut self,
        call: impl FnOnce(&mut Instance) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => fresh(&self.module)?,
        };
        let answer = call(&mut instance)?;
        self.instance = Some(instance);
        Ok(answer)
    }
}

/// An instance that is what the first one was.
fn fresh(module: &Module) -> Result<Instance, CallError> {
    let (instance, description) =
        Instance::start(&module.shared.plan, module.usage()).map_err(|error| match error {
            StartError::Refused(text) => {
                let text = format!("the module refuses the settings that it took before: {text}");
                CallError::new(FaultKind::BadAnswer, &text)
            }
            StartError::Fault(error) => error,
            StartError::WrongType(_, error) => error.into(),
        })?;
    if description != module.shared.description {
        return Err(CallError::bad_answer("`describe` differs from the first instance's"));
    }
    Ok(instance)
}

impl Operator for WasmOperator {
    fn description(&self) -> &Description {
        self.module.description()
    }

    fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        self.call(|instance| instance.transform(origin, rows))
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        self.call(|instance| instance.reduce(groups, every))
    }

    fn process(&mut self, groups: &Groups) -> Result<Processed, Fault> {
        self.call(|instance| instance.process(groups))
    }

    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.call(|instance| instance.finish(keys, accumulators))
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.call(|instance| instance.merge(left, right))
    }
}
