//! What a cluster means, with no I/O and no Kubernetes types.
//!
//! Everything downstream (the set engine, the solver, the dataplanes) is computed from a
//! [`Cluster`], and everything is compared with [`evaluate()`], which is the specification
//! written down as a program. The model stores where a thing was written ([`Origin`]), never
//! the text.

mod address;
mod choice;
mod cluster;
mod domain;
mod evaluate;
mod finding;
mod flow;
mod half;
mod label;
mod modes;
mod packet;
mod policy;
mod port;
mod program;
mod range;
mod service;
mod spelling;

pub use address::{AddressSet, Family, block_addresses, family_addresses};
pub use choice::{AddressChoice, address_choices, evaluate_pods, has_block, policies_blind_to};
pub use cluster::{
    Cluster, ContainerPort, HostNetwork, Namespace, NamespaceId, Node, NodeId, NotAnalysed, Origin,
    Pod, PodId, Semantics, Workload, WorkloadId, WorkloadKind,
};
pub use domain::{domain_matches, domain_patterns, domain_text, domain_within, with_names};
pub use evaluate::{evaluate, peer_matches, port_matches, selects};
pub use finding::{Finding, Meta, Place, Related, Severity};
pub use flow::{Evaluation, Flow, Party, Reason, RuleRef, Side, Verdict};
pub use half::{AddressBook, Because, Half, SharedAddress, expected};
pub use label::{Labels, METADATA_NAME, Operator, Requirement, Selector, Symbol, Symbols};
pub use modes::{Invalid, ModeInfo, Modes, PodToNode, Replies, UnknownLocal};
pub use packet::{Hook, Packet, Tracking, Transport};
pub use policy::{
    Action, Direction, IpBlock, NamespaceMatch, Peer, PeerKind, Policy, PolicyId, PortMatch,
    PortMatchKind, Rule, Subject, Tier, Undecided,
};
pub use port::{PortSet, Protocol, TrafficSet};
pub use program::{
    Chain, ChainId, Decision, End, Entry, Match, Program, Run, SetId, Step, Then, run,
};
pub use range::{Bounded, RangeSet};
pub use service::{
    BackendPort, EndpointAddress, EndpointPort, EndpointSet, Ingress, IngressBackend, IngressClass,
    IngressPath, Service, ServiceId, ServicePort, ServiceType, TargetPort, TrafficPolicy,
};
pub use spelling::nearest;
