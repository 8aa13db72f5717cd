//! A packet that rules and policies treat differently, for people.

use super::bundle::{place, rule_text};
use super::words::policy_name;
use crate::model::{
    Because, Cluster, Direction, Half, Packet, Party, Program, Reason, Run, Side, Then, expected,
    run,
};
use crate::question::can::pod_name;
use crate::source::Sources;
use std::net::IpAddr;

/// Who and what a packet is, what the rules do with it and by which of them, and what the policies
/// say and by which of theirs. Several lines; `file` names the rules.
pub fn packet_text(
    sources: &Sources,
    half: &Half<'_>,
    program: &Program,
    packet: &Packet,
    file: &str,
) -> String {
    let mut text = format!("  {packet}\n");
    text.push_str(&format!("  source       {}\n", party(half, packet.source)));
    text.push_str(&format!(
        "  destination  {}\n",
        party(half, packet.destination)
    ));
    let did = run(program, packet);
    text.push_str(&format!("  the rules    {}\n", did.decision.name()));
    for line in path_lines(program, &did, file) {
        text.push_str(&format!("    {line}\n"));
    }
    if program.entry(packet.hook).is_none() {
        text.push_str(&format!(
            "    there is no chain at the hook {}\n",
            packet.hook.name()
        ));
    }
    let (wanted, because) = expected(half, packet);
    text.push_str(&format!("  the policy   {}", wanted.name()));
    match because {
        Because::Tracking => text.push_str(": connection tracking says enough\n"),
        Because::NotPoliced => text.push_str(": nothing is policed here\n"),
        Because::UnknownLocal(address) => {
            text.push_str(&format!(
                ": {address} is in the node's podCIDRs and no known pod's\n"
            ));
        }
        Because::Policy(sides) => {
            text.push('\n');
            if sides.is_empty() {
                text.push_str("    neither end is a pod of this node\n");
            }
            for (direction, side) in &sides {
                let subject = match direction {
                    Direction::Egress => packet.source,
                    Direction::Ingress => packet.destination,
                };
                let (direction, subject) = (direction.name(), party(half, subject));
                let outcome = side.outcome.name();
                text.push_str(&format!("    {direction} of {subject}: {outcome}\n"));
                for line in reasons(half.cluster, sources, side) {
                    text.push_str(&format!("      {line}\n"));
                }
            }
        }
    }
    text
}

/// The steps that led on or decided, each with its chain and, where it has one, its line.
pub(super) fn path_lines(program: &Program, did: &Run, file: &str) -> Vec<String> {
    let steps = did.path.iter().filter_map(|&(chain, step)| {
        let chain = program.chain(chain)?;
        Some((chain, chain.steps.get(step)?))
    });
    let mut lines: Vec<String> = steps
        .map(|(chain, step)| match step.line {
            0 => format!("{}: `{}`", chain.name, step.text),
            line => format!("{}: `{}`, {file}:{line}", chain.name, step.text),
        })
        .collect();
    let last = did
        .path
        .last()
        .and_then(|&(chain, step)| program.chain(chain)?.steps.get(step));
    let is_decided = last.is_some_and(|step| matches!(step.then, Then::Decide(_)));
    if !is_decided && !program.entries.is_empty() {
        lines.push("the policy of the chain at the hook".to_owned());
    }
    lines
}

fn party(half: &Half<'_>, address: IpAddr) -> String {
    match half.book.party(address) {
        Party::Pod { pod, .. } => format!("pod {} ({address})", pod_name(half.cluster, pod)),
        _ => format!("{address}, no pod"),
    }
}

fn reasons(cluster: &Cluster, sources: &Sources, side: &Side) -> Vec<String> {
    match &side.reason {
        Reason::Rules { rules, .. } => rules
            .iter()
            .map(|rule| rule_text(cluster, sources, rule.policy, rule.direction, rule.rule))
            .collect(),
        Reason::Isolated { .. } => {
            let mut lines = vec!["isolated, and no rule matches:".to_owned()];
            lines.extend(side.selecting.iter().map(|&id| {
                format!(
                    "{}, {}",
                    policy_name(cluster, id),
                    place(cluster, sources, id)
                )
            }));
            lines
        }
        Reason::Loopback => vec!["a pod cannot block access to itself".to_owned()],
        Reason::NotIsolated => vec!["no policy isolates it".to_owned()],
        _ => vec!["it is not policed".to_owned()],
    }
}
