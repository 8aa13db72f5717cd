//! Ports as people type them.

use crate::model::Protocol;
use crate::question::can::PortQuery;

/// A port as typed: `7070`, `tcp/7070` or a name.
#[derive(Clone, Debug)]
pub(super) struct PortArg(pub(super) PortQuery);

/// Reads a port; clap shows the error.
pub(super) fn parse_port(text: &str) -> Result<PortArg, String> {
    let (protocol, port) = match text.split_once('/') {
        Some((protocol, port)) => {
            let known = Protocol::from_name(&protocol.to_uppercase());
            let known = known.ok_or_else(|| format!("`{protocol}` is not tcp, udp or sctp"))?;
            (Some(known), port)
        }
        None => (None, text),
    };
    if port.chars().all(|c| c.is_ascii_digit()) && !port.is_empty() {
        let number = port.parse::<u16>().ok().filter(|number| *number > 0);
        let port = number.ok_or("a port is a number from 1 to 65535")?;
        return Ok(PortArg(PortQuery::Number { protocol, port }));
    }
    if protocol.is_some() || port.is_empty() {
        return Err("expected 7070, tcp/7070 or a port name".to_owned());
    }
    Ok(PortArg(PortQuery::Name(port.to_owned())))
}
