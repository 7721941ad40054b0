//! Several operators in one process: each has an admin API of its own, so each needs an address of its own. Pure.

use super::Config;
use std::net::SocketAddr;

/// The second operator with the same address gets the next port, and so on; port 0 is any port anyway. Each is told
/// of all.
pub(super) fn spread(configs: &mut [&mut Config]) {
    let mut asked: Vec<SocketAddr> = Vec::new();
    for config in configs.iter_mut() {
        let Some(address) = config.admin.address() else { continue };
        let before = asked.iter().filter(|other| **other == address).count();
        asked.push(address);
        if address.port() != 0
            && let Some(port) =
                u16::try_from(before).ok().and_then(|before| address.port().checked_add(before))
        {
            config.admin = config.admin.at(SocketAddr::new(address.ip(), port));
        }
    }
    introduce(configs);
}

/// Tells each operator where all of them are.
pub(super) fn introduce(configs: &mut [&mut Config]) {
    let port = |config: &&mut Config| config.admin.address().map(|address| address.port());
    let known = |config: &&mut Config| Some((config.name.clone(), port(config).filter(|port| *port != 0)?));
    let operators: Vec<_> = configs.iter().filter_map(known).collect();
    for config in configs.iter_mut() {
        config.page.operators.clone_from(&operators);
    }
}
