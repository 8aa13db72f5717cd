//! What the NetworkPolicy API leaves to implementations, and a packet filter has to decide.

use std::fmt;

/// One thing that is left open, for the documentation and for headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModeInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its values with what they mean, the default first.
    pub values: &'static [(&'static str, &'static str)],
}

macro_rules! modes {
    ($($(#[$doc:meta])* $field:ident, $name:literal: $type:ident {
        $($(#[$value_doc:meta])* $value:ident = $text:literal, $meaning:literal;)+
    })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
            pub enum $type {
                $(#[doc = $meaning] $value,)+
            }
        )+

        /// The choices that can be made. The defaults are the first of each.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct Modes {
            $($(#[$doc])* pub $field: $type,)+
        }

        impl Modes {
            /// What can be chosen.
            pub const CHOICES: &'static [ModeInfo] = &[
                $(ModeInfo { name: $name, values: &[$(($text, $meaning)),+] }),+
            ];

            /// Sets one of them. Says whether there is such a choice.
            pub fn set(&mut self, name: &str, value: &str) -> bool {
                match (name, value) {
                    $($(($name, $text) => self.$field = $type::$value,)+)+
                    _ => return false,
                }
                true
            }

            /// The chosen value of each, by name.
            pub fn chosen(&self) -> Vec<(&'static str, &'static str)> {
                vec![$(($name, match self.$field { $($type::$value => $text,)+ })),+]
            }
        }
    };
}

modes! {
    /// Packets of connections that were let through once (N5).
    replies, "replies": Replies {
        Direction = "direction",
            "only replies are let through unseen: policy that was tightened cuts a live connection at its next packet";
        Established = "established",
            "both directions are: a live connection survives policy that was tightened";
    }
    /// Forwarded packets that connection tracking calls invalid.
    invalid, "invalid": Invalid {
        Drop = "drop", "they are dropped: NAT does not change them, so they would carry a pod's own address";
        Policy = "policy", "policy decides, as for others: for networks whose routes are not symmetric";
    }
    /// From a pod to the node it is on.
    pod_to_node, "pod-to-node": PodToNode {
        Policy = "policy", "the pod's egress policy decides";
        Allow = "allow", "always let through";
    }
    /// Forwarded packets with an address of the node's podCIDRs that no pod is known to have.
    unknown_local, "unknown-local": UnknownLocal {
        Drop = "drop", "dropped: a pod that is newer than the rules gets nothing through";
        Allow = "allow", "let through: a pod that is newer than the rules is not policed";
    }
}

impl Default for Modes {
    fn default() -> Self {
        Modes {
            replies: Replies::Direction,
            invalid: Invalid::Drop,
            pod_to_node: PodToNode::Policy,
            unknown_local: UnknownLocal::Drop,
        }
    }
}

impl Modes {
    /// What is decided and cannot be chosen otherwise, with the rule it follows.
    pub const FIXED: &'static [ModeInfo] = &[
        ModeInfo {
            name: "node-to-pod",
            values: &[(
                "allow",
                "what a node sends to its own pods is always let through (N26): no chain at the output hook; other nodes are addresses like any other",
            )],
        },
        ModeInfo {
            name: "hairpin",
            values: &[(
                "allow",
                "a pod that reaches itself through a Service is let through (N25)",
            )],
        },
        ModeInfo {
            name: "ipblock-pods",
            values: &[(
                "literal",
                "an ipBlock matches every address in it, those of pods and nodes included (N23)",
            )],
        },
        ModeInfo {
            name: "services",
            values: &[(
                "after-dnat",
                "policy sees the pod that a Service leads to, never the Service's address (N24)",
            )],
        },
        ModeInfo {
            name: "host-network",
            values: &[(
                "node",
                "pods on their node's network are their node: no selector matches them (N27)",
            )],
        },
        ModeInfo {
            name: "fragments",
            values: &[(
                "reassembled",
                "connection tracking puts fragments together before the hooks",
            )],
        },
        ModeInfo {
            name: "other-protocols",
            values: &[(
                "portless-rules",
                "ICMP and everything else without ports is let through by rules without `ports`, and by no others (N6)",
            )],
        },
        ModeInfo {
            name: "discovery",
            values: &[(
                "accept-at-input",
                "IPv6 neighbour discovery from pods to their node is always let through, and never forwarded unseen",
            )],
        },
    ];

    /// Every choice and every fixed decision, as `name` and `value`.
    pub fn all(&self) -> Vec<(&'static str, &'static str)> {
        let fixed = Modes::FIXED
            .iter()
            .filter_map(|info| Some((info.name, info.values.first()?.0)));
        self.chosen().into_iter().chain(fixed).collect()
    }
}

/// `replies=direction invalid=drop ...`, all of them.
impl fmt::Display for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in self.all() {
            write!(f, "{separator}{name}={value}")?;
            separator = " ";
        }
        Ok(())
    }
}
