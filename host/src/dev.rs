//! `host dev`: a broker, sample records, and the application, in one process that needs nothing else.

mod lines;
mod sample;

use crate::admin;
use crate::config::{self, Admin, Config, Listener, Sources};
use crate::embedded::{self, set_default};
use crate::exit::{ExitKind, Failure};
use crate::kafka::admin::{Purpose, TopicSpec};
use sample::Sample;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

const FLAG: &str = "host dev";
/// What runs when nothing else is named.
const MODULE: &str = "native:sum";
/// Of topics, unless the user says otherwise.
const PARTITIONS: u32 = 4;
/// Results that are shown: nothing here is anybody's secret.
const OUTPUTS: &str = "20";

/// What flows.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Sample records a second; 0: none.
    pub records_per_s: u32,
    /// Sample records in all; none: without end.
    pub records: Option<u64>,
}

/// Runs until a signal comes. `say` shows a person where everything is; `log` sets up logs.
///
/// # Errors
/// A setting is wrong, or whatever ends the application.
pub fn run(
    mut sources: Sources,
    flow: Flow,
    log: impl FnOnce(&Config) -> Result<(), Failure>,
    say: impl FnOnce(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    sources.watch = true;
    set_default(&mut sources, "module", MODULE, FLAG)?;
    set_default(&mut sources, "partitions", &PARTITIONS.to_string(), FLAG)?;
    set_default(&mut sources, "admin_outputs", OUTPUTS, FLAG)?;
    // State is as old as the broker: no snapshot of another one fits.
    set_default(&mut sources, "snapshot_interval_ms", "0ms", FLAG)?;
    let broker = embedded::start(&mut sources, FLAG, true)?;
    let mut configs: Vec<Config> =
        config::load_all(&sources)?.into_iter().map(|loaded| loaded.value).collect();
    log(&configs[0])?;
    prepare_pages(&mut configs)?;
    let first = &configs[0];
    let partitions = first.partitions.map_or(PARTITIONS, std::num::NonZeroU32::get);
    create_inputs(first, partitions)?;
    say(&told(&broker.address().to_string(), &configs, flow))?;
    let settings = crate::run::kafka_settings(first);
    let sample = Sample::start(&settings, &first.inputs[0], partitions, flow)?;
    let ended = crate::run::run(configs);
    drop(sample);
    drop(broker);
    ended
}

/// Takes a place for each page, and the token that opens them to changes, so that both can be told before the start.
/// Where nobody has said where, and somebody else is there already, it is any free port.
fn prepare_pages(configs: &mut [Config]) -> Result<(), Failure> {
    let token = admin::new_token().map_err(|error| Failure::new(ExitKind::Failure, error))?;
    for config in configs.iter_mut() {
        config.page.token = Some(token.clone());
        let Some(address) = config.admin.address() else { continue };
        let listener = match (TcpListener::bind(address), config.admin) {
            (Err(_), Admin::Default(address)) => TcpListener::bind((address.ip(), 0)),
            (bound, _) => bound,
        };
        // What cannot be had is an error of the start, which says so.
        let Ok(listener) = listener else { continue };
        if let Ok(address) = listener.local_addr() {
            config.admin = Admin::Asked(address);
        }
        config.page.listener = Listener::new(listener);
    }
    config::introduce(configs);
    Ok(())
}

fn create_inputs(config: &Config, partitions: u32) -> Result<(), Failure> {
    let admin = crate::run::connect(config, &crate::run::kafka_settings(config))?;
    let spec = |name: &String| TopicSpec {
        name: name.clone(),
        partitions,
        replication_factor: None,
        configs: Purpose::Plain.configs(),
    };
    let specs: Vec<_> = config.inputs.iter().map(spec).collect();
    admin.create_topics(&specs).map_err(crate::worker::at_start)?;
    Ok(())
}

/// An address that a browser on this machine reaches.
fn browsable(address: SocketAddr) -> SocketAddr {
    let local = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(local, address.port())
}

/// Where everything is, and what to try.
fn told(broker: &str, configs: &[Config], flow: Flow) -> String {
    let (first, last) = (&configs[0], &configs[configs.len() - 1]);
    let (input, output) = (&first.inputs[0], &last.output);
    let mut text =
        format!("broker   {broker}  one node, in memory: for trying and testing, not production\n");
    let flows = match (flow.records_per_s, flow.records) {
        (0, _) => "no sample records".to_owned(),
        (rate, None) => format!("{rate} sample lines \"key,value\" a second"),
        (rate, Some(records)) => format!("{records} sample lines \"key,value\", {rate} a second"),
    };
    let _ = writeln!(text, "input    {input}  {flows}\noutput   {output}");
    for config in configs {
        let module = match &config.module {
            config::ModuleSource::Path(path) => format!("{}  swapped when the file changes", path.display()),
            config::ModuleSource::Native(name) => format!("native:{name}"),
        };
        let _ = writeln!(text, "module   {module}");
    }
    for config in configs {
        if let (Some(address), Some(token)) = (config.admin.address(), &config.page.token) {
            let _ = writeln!(text, "page     http://{}/#token={token}", browsable(address));
        }
    }
    if let Some(address) = first.admin.address() {
        let _ = writeln!(text, "metrics  http://{}/metrics", browsable(address));
    }
    let _ = writeln!(text, "try      kcat -b {broker} -C -t {output} -f '%k %s\\n'\nstop     Ctrl-C");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_told_is_nobody_elses() {
        let variables = vec![("HOME".to_owned(), "/home/me".to_owned())];
        let mut sources = Sources { variables, ..Sources::default() };
        set_default(&mut sources, "module", MODULE, FLAG).expect("a setting");
        set_default(&mut sources, "admin", "127.0.0.1:0", FLAG).expect("a setting");
        let mut configs = vec![config::load(&sources).expect("settings").value];
        prepare_pages(&mut configs).expect("a place");
        let address = configs[0].admin.address().expect("a place");
        assert_ne!(address.port(), 0, "it can be told");
        TcpListener::bind(address).expect_err("somebody else takes it");
        let taken = configs[0].clone().page.listener.take().expect("it is handed over");
        assert_eq!(taken.local_addr().expect("bound"), address);
        assert!(configs[0].page.listener.take().is_none(), "to one");
    }
}
