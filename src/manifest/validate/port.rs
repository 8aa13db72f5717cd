//! Port numbers and names.

use super::name::port_name;
use super::{invalid, quote};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;

/// A port number as the model holds it, if it is one: 1 to 65535 (V3).
pub(crate) fn valid_port(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|&port| port != 0)
}

/// V3, V5: reports a number that is no port.
pub(crate) fn check_port_number(reader: &Reader<'_>, path: &Path<'_>, number: i32) {
    if valid_port(number).is_none() {
        let body = invalid(
            &number.to_string(),
            "must be between 1 and 65535, inclusive",
        );
        reader.cause(path, &body, None);
    }
}

/// V8: reports a text that is no port name.
pub(crate) fn check_port_name(reader: &Reader<'_>, path: &Path<'_>, name: &str) {
    let help = || {
        if name.parse::<u16>().is_ok() {
            return Some(format!("remove the quotes: `port: {name}` is a number")).map(|help| {
                help.replace(
                    "`port:",
                    &format!("`{}:", path.last_key().unwrap_or("port")),
                )
            });
        }
        let lower = name.to_lowercase();
        (lower != name && port_name(&lower).is_empty()).then(|| format!("did you mean `{lower}`?"))
    };
    for problem in port_name(name) {
        reader.cause(path, &invalid(&quote(name), &problem), help());
    }
}
