//! NP005: a port of a protocol over UDP, without a protocol, which means TCP (N10).

use super::view::{Context, single};
use super::{Found, Lint};
use crate::model::{Meta, Protocol, Severity};

const META: Meta = Meta {
    id: "NP005",
    name: "missing-protocol",
    summary: "a port that is usually UDP, without a protocol, which means TCP",
    help: "Write `protocol: UDP`, or both, for DNS. Write `protocol: TCP` if TCP is meant.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

/// Ports that people mean UDP by, and what is there.
const USUALLY_UDP: [(u16, &str); 12] = [
    (53, "DNS"),
    (67, "DHCP"),
    (69, "TFTP"),
    (123, "NTP"),
    (161, "SNMP"),
    (500, "IKE"),
    (514, "syslog"),
    (1812, "RADIUS"),
    (4500, "IPsec"),
    (4789, "VXLAN"),
    (6081, "Geneve"),
    (51820, "WireGuard"),
];

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        for port in at.ports() {
            let Some((Protocol::Tcp, number)) = single(port) else {
                continue;
            };
            let usual = USUALLY_UDP.iter().find(|(usual, _)| *usual == number);
            let Some((_, what)) = usual else { continue };
            let written = context.node_of(&at.policy.origin, &port.route);
            let udp = at
                .ports()
                .iter()
                .any(|other| single(other) == Some((Protocol::Udp, number)));
            if written.get("protocol").is_there() || udp {
                continue;
            }
            found.push(
                Found::at(
                    &META,
                    at.port_origin(port),
                    format!("port {number} without `protocol` is TCP, and {what} uses UDP"),
                )
                .help(match number {
                    53 => "DNS needs both: write one entry with `protocol: UDP` and one with `protocol: TCP`",
                    _ => "write `protocol: UDP`, or `protocol: TCP` if that is meant",
                }),
            );
        }
    }
    found
}
