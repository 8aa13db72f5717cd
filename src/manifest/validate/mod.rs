//! The API server's own validation, in its own words (V1 to V21 and their kin).
//!
//! Only what decides the meaning of policies, Services and Ingresses, and names and labels, is
//! checked here. Everything is reported in the order in which the server reports it.

mod cidr;
mod ingress;
mod metadata;
mod name;
mod network_policy;
mod port;
mod selector;
mod service;

pub(crate) use cidr::{check_cidr, parse_cidr, parse_ip};
pub(crate) use ingress::check_ingress;
pub(crate) use metadata::{check_labels, metadata};
pub(crate) use name::NameRule;
pub(crate) use network_policy::check_network_policy;
pub(crate) use port::{check_port_name, check_port_number, valid_port};
pub(crate) use selector::check_selector;
pub(crate) use service::{check_service, is_headless};

/// `"text"`, as Go quotes it.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `Invalid value: value: detail`; text must be quoted already.
pub(crate) fn invalid(value: &str, detail: &str) -> String {
    format!("Invalid value: {value}: {detail}")
}

/// `Required value`, with a detail if there is one.
pub(crate) fn required(detail: &str) -> String {
    if detail.is_empty() {
        "Required value".to_owned()
    } else {
        format!("Required value: {detail}")
    }
}

/// `Unsupported value: "value": supported values: ...`, in the order given.
pub(crate) fn unsupported(value: &str, supported: &[&str]) -> String {
    let supported: Vec<String> = supported.iter().map(|value| quote(value)).collect();
    format!(
        "Unsupported value: {}: supported values: {}",
        quote(value),
        supported.join(", ")
    )
}

/// The help for a value of which only a few spellings exist.
pub(crate) fn did_you_mean(value: &str, supported: &[&str]) -> Option<String> {
    let same = supported
        .iter()
        .copied()
        .find(|candidate| candidate.eq_ignore_ascii_case(value));
    let meant = same.or_else(|| crate::model::nearest(value, supported.iter().copied()))?;
    Some(format!("did you mean `{meant}`?"))
}
