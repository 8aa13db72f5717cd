//! CIDR blocks and addresses (V11 to V14), read as leniently as the API server does.

use super::{invalid, quote, required};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::model::Severity;
use crate::source::Target;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use k8s_openapi::api::networking::v1::IPBlock;
use std::net::IpAddr;

/// A block as it is written and as it is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cidr {
    /// What it means, without the bits beyond the prefix.
    pub(crate) net: IpNet,
    /// The prefix length as written, which for an IPv4-mapped block is 96 more than it means.
    written_prefix: u8,
    /// The address as written.
    address: IpAddr,
    /// Whether a strict parser takes it: no leading zeros, not an IPv4-mapped address.
    is_standard: bool,
}

/// Reads a block as the API server's parser does: leading zeros are decimal, an IPv4-mapped
/// block is the IPv4 block it stands for.
pub(crate) fn parse_cidr(text: &str) -> Option<Cidr> {
    let (address_text, prefix_text) = text.split_once('/')?;
    let is_number = !prefix_text.is_empty()
        && prefix_text.len() <= 9
        && prefix_text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let prefix: u32 = prefix_text.parse().ok()?;
    let prefix = u8::try_from(prefix).ok()?;
    let (address, address_is_standard) = parse_address(address_text)?;
    let (net, is_mapped) = match address {
        IpAddr::V4(v4) => (IpNet::V4(Ipv4Net::new(v4, prefix).ok()?.trunc()), false),
        IpAddr::V6(v6) => {
            let net = Ipv6Net::new(v6, prefix).ok()?.trunc();
            match net.network().to_ipv4_mapped() {
                Some(v4) if prefix >= 96 => (IpNet::V4(Ipv4Net::new(v4, prefix - 96).ok()?), true),
                _ => (IpNet::V6(net), v6.to_ipv4_mapped().is_some()),
            }
        }
    };
    let prefix_is_standard = prefix_text == "0" || !prefix_text.starts_with('0');
    Some(Cidr {
        net,
        written_prefix: prefix,
        address,
        is_standard: address_is_standard && prefix_is_standard && !is_mapped,
    })
}

/// Reads an address, leniently.
pub(crate) fn parse_ip(text: &str) -> Option<IpAddr> {
    let (address, _) = parse_address(text)?;
    Some(match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    })
}

/// An address, and whether it is in the standard form. Leading zeros are decimal.
fn parse_address(text: &str) -> Option<(IpAddr, bool)> {
    if text.len() > 128 {
        return None;
    }
    if let Ok(address) = text.parse() {
        return Some((address, true));
    }
    let trimmed: String = text
        .split_inclusive(['.', ':'])
        .map(without_leading_zeros)
        .collect();
    // Rust's parser takes a zone for no address, as Go's does.
    trimmed.parse().ok().map(|address| (address, false))
}

/// `010.` becomes `10.`, and `000:` becomes `0:`.
fn without_leading_zeros(part: &str) -> &str {
    let digits = part.trim_end_matches(['.', ':']);
    let trimmed = digits.trim_start_matches('0');
    let n_cut = digits.len() - trimmed.len();
    // One digit must stay.
    let n_cut = if trimmed.is_empty() {
        n_cut.saturating_sub(1)
    } else {
        n_cut
    };
    part.get(n_cut..).unwrap_or(part)
}

impl Cidr {
    /// V14: what the API server warns of, and what to do about it.
    fn warnings(&self, text: &str) -> Vec<(String, String)> {
        let canonical = self.net.to_string();
        let address = match self.address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(self.address, IpAddr::V4),
            IpAddr::V4(_) => self.address,
        };
        let mut warnings = Vec::new();
        if address != self.net.network() {
            let single = format!("{address}/{}", n_bits(address));
            warnings.push((
                format!(
                    "CIDR value {} is ambiguous in this context (should be {} or {}?)",
                    quote(text),
                    quote(&canonical),
                    quote(&single)
                ),
                format!("it is analysed as `{canonical}`"),
            ));
        }
        if !self.is_standard {
            warnings.push((
                format!(
                    "non-standard CIDR value {} will be considered invalid in a future \
                     Kubernetes release: use {}",
                    quote(text),
                    quote(&canonical)
                ),
                format!("write `{canonical}`, which is how it is analysed"),
            ));
        }
        warnings
    }

    /// Whether `except` cuts something out of this block and leaves something (V13).
    fn strictly_contains(&self, except: &Cidr) -> bool {
        self.net.contains(&except.net.network()) && self.written_prefix < except.written_prefix
    }
}

fn n_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// V12 and V14 for one block. `None` when it is none.
pub(crate) fn check_cidr(reader: &Reader<'_>, path: &Path<'_>, text: &str) -> Option<Cidr> {
    let Some(cidr) = parse_cidr(text) else {
        let detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
        let help = parse_ip(text)
            .map(|address| format!("for this one address write `{address}/{}`", n_bits(address)));
        reader.cause(path, &invalid(&quote(text), detail), help);
        return None;
    };
    for (message, help) in cidr.warnings(text) {
        reader.find(
            "NP006",
            Severity::Warning,
            reader.place(path, Target::Value),
            format!("{path}: {message}"),
            Some(help),
        );
    }
    Some(cidr)
}

/// V11 to V14.
pub(super) fn check_block(reader: &Reader<'_>, path: &Path<'_>, block: &IPBlock) {
    let cidr_path = path.key("cidr");
    if block.cidr.is_empty() {
        let place = reader.place(path, Target::Value);
        reader.cause_at(&cidr_path, place, &required(""), None);
        return;
    }
    let Some(cidr) = check_cidr(reader, &cidr_path, &block.cidr) else {
        return;
    };
    let except_path = path.key("except");
    for (index, text) in block.except.iter().flatten().enumerate() {
        let path = except_path.index(index);
        if let Some(except) = check_cidr(reader, &path, text)
            && !cidr.strictly_contains(&except)
        {
            let body = invalid(&quote(text), "must be a strict subset of `cidr`");
            reader.cause(&path, &body, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v14_lenient_forms_mean_their_canonical_form() {
        for (text, expected, standard) in [
            ("10.0.0.0/8", Some("10.0.0.0/8"), true),
            ("10.0.0.5/24", Some("10.0.0.0/24"), true),
            ("010.001.000.000/08", Some("10.1.0.0/8"), false),
            ("10.1.0.0/016", Some("10.1.0.0/16"), false),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8"), false),
            ("::ffff:10.0.0.0/96", Some("0.0.0.0/0"), false),
            ("::ffff:10.0.0.0/64", Some("::/64"), false),
            ("2001:DB8::/32", Some("2001:db8::/32"), true),
            ("2001:00db8::/32", Some("2001:db8::/32"), false),
            ("::/0", Some("::/0"), true),
            ("10.0.0.0/33", None, false),
            ("10.0.0.0/-1", None, false),
            ("10.0.0.0/+8", None, false),
            ("10.0.0.0", None, false),
            ("10.0.0/8", None, false),
            ("256.0.0.0/8", None, false),
            ("fe80::1%eth0/64", None, false),
            ("/8", None, false),
            ("", None, false),
            ("10.0.0.0/8/8", None, false),
            (" 10.0.0.0/8", None, false),
        ] {
            let cidr = parse_cidr(text);
            // 010.001.000.000 with a prefix of 8 has host bits too.
            let expected = expected.map(|net| net.parse::<IpNet>().unwrap().trunc());
            assert_eq!(cidr.map(|cidr| cidr.net), expected, "{text}");
            assert_eq!(
                cidr.is_some_and(|cidr| cidr.is_standard),
                standard,
                "{text}"
            );
        }
    }

    #[test]
    fn v13_strict_subset() {
        for (cidr, except, expected) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "10.0.0.0/8", false),
            ("10.0.0.0/8", "10.0.0.0/7", false),
            ("10.0.0.0/8", "11.0.0.0/16", false),
            ("0.0.0.0/0", "::/1", false),
            ("::/0", "10.0.0.0/8", false),
            ("2001:db8::/32", "2001:db8:1::/48", true),
        ] {
            let (block, hole) = (parse_cidr(cidr).unwrap(), parse_cidr(except).unwrap());
            assert_eq!(block.strictly_contains(&hole), expected, "{cidr} {except}");
        }
    }

    #[test]
    fn v14_warnings_in_the_servers_words() {
        for (text, expected) in [
            ("10.0.0.0/24", &[][..]),
            (
                "10.0.0.5/24",
                &[
                    "CIDR value \"10.0.0.5/24\" is ambiguous in this context (should be \
                   \"10.0.0.0/24\" or \"10.0.0.5/32\"?)",
                ],
            ),
            (
                "010.0.0.0/8",
                &[
                    "non-standard CIDR value \"010.0.0.0/8\" will be considered invalid in a \
                   future Kubernetes release: use \"10.0.0.0/8\"",
                ],
            ),
            (
                "::ffff:10.0.0.1/104",
                &[
                    "CIDR value \"::ffff:10.0.0.1/104\" is ambiguous in this context (should be \
                     \"10.0.0.0/8\" or \"10.0.0.1/32\"?)",
                    "non-standard CIDR value \"::ffff:10.0.0.1/104\" will be considered invalid \
                     in a future Kubernetes release: use \"10.0.0.0/8\"",
                ],
            ),
        ] {
            let cidr = parse_cidr(text).unwrap();
            let messages: Vec<String> = cidr.warnings(text).into_iter().map(|(m, _)| m).collect();
            assert_eq!(messages, expected);
        }
    }

    #[test]
    fn addresses_are_read_leniently() {
        for (text, expected) in [
            ("10.0.0.1", Some("10.0.0.1")),
            ("010.0.0.01", Some("10.0.0.1")),
            ("::ffff:10.0.0.1", Some("10.0.0.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("web", None),
            ("", None),
        ] {
            let expected: Option<IpAddr> = expected.map(|text| text.parse().unwrap());
            assert_eq!(parse_ip(text), expected, "{text}");
        }
    }
}
