//! What a lint says.

use super::view::name_of;
use crate::model::{
    Cluster, Finding, Meta, Origin, Place, PolicyId, Protocol, Related, Severity, Verdict,
};
use crate::source::{Edit, Target};

/// One thing that a lint found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What there is to say, and where.
    pub finding: Finding,
    /// Whether this is only worth saying to who asks for it: not a mistake for certain, and often
    /// what is meant. Notes are like that whatever is said here.
    pub is_pedantic: bool,
    /// A flow that shows it.
    pub witness: Option<Witness>,
    /// What mends it, where that is certain.
    pub fix: Option<Fix>,
}

/// One flow, decided by the specification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Witness {
    /// Who calls.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// On which protocol.
    pub protocol: Protocol,
    /// On which port.
    pub port: u16,
    /// What comes of it.
    pub verdict: Verdict,
}

/// A change of the manifests that mends a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does to the manifest, and to its meaning.
    pub says: String,
    /// Whether the policies mean the same after it.
    pub keeps_meaning: bool,
    /// What to change, all or nothing.
    pub edits: Vec<Edit>,
}

impl Found {
    /// A finding of a lint at a node.
    pub(super) fn at(meta: &Meta, origin: Origin, message: impl Into<String>) -> Found {
        Found {
            finding: Finding {
                place: Place::Node {
                    origin,
                    target: Target::Value,
                },
                id: meta.id,
                severity: meta.severity,
                message: message.into(),
                help: None,
                related: Vec::new(),
            },
            is_pedantic: false,
            witness: None,
            fix: None,
        }
    }

    /// Points at the key instead of the value.
    pub(super) fn key(mut self) -> Found {
        if let Place::Node { target, .. } = &mut self.finding.place {
            *target = Target::Key;
        }
        self
    }

    /// What to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Found {
        self.finding.help = Some(help.into());
        self
    }

    /// How bad it is, when not as bad as usual.
    pub(super) fn severity(mut self, severity: Severity) -> Found {
        self.finding.severity = severity;
        self
    }

    /// Only for who asks.
    pub(super) fn pedantic(mut self) -> Found {
        self.is_pedantic = true;
        self
    }

    /// Another place that matters.
    pub(super) fn related(mut self, origin: Origin, message: impl Into<String>) -> Found {
        self.finding.related.push(Related {
            place: Place::Node {
                origin,
                target: Target::Value,
            },
            message: message.into(),
        });
        self
    }

    /// The first few of some policies, with what to say of each.
    pub(super) fn policies(self, cluster: &Cluster, policies: &[PolicyId], what: &str) -> Found {
        let known = policies.iter().take(3).filter_map(|id| cluster.policy(*id));
        known.fold(self, |found, policy| {
            found.related(name_of(&policy.origin), what)
        })
    }

    /// A flow that shows it.
    pub(super) fn witness(mut self, witness: Option<Witness>) -> Found {
        self.witness = witness;
        self
    }

    /// What mends it.
    pub(super) fn fix(
        mut self,
        says: impl Into<String>,
        keeps_meaning: bool,
        edits: Vec<Edit>,
    ) -> Found {
        self.fix = Some(Fix {
            says: says.into(),
            keeps_meaning,
            edits,
        });
        self
    }
}

impl Witness {
    /// In words.
    pub fn text(&self) -> String {
        let Witness {
            from,
            to,
            protocol,
            port,
            verdict,
        } = self;
        let can = match verdict {
            Verdict::Allowed => "can reach",
            Verdict::Denied => "cannot reach",
            Verdict::Unknown => "may or may not reach",
        };
        format!("{from} {can} {to} on {protocol} {port}")
    }
}
