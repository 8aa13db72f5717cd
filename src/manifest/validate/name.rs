//! The syntax of names, label keys and label values.

/// What an object's name must look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NameRule {
    /// A DNS-1123 subdomain: most kinds.
    Subdomain,
    /// A DNS-1123 label: namespaces.
    Label,
    /// A DNS-1035 label: Services.
    Label1035,
}

impl NameRule {
    /// What is wrong with a name, in the server's words.
    pub(crate) fn problems(self, name: &str) -> Vec<String> {
        match self {
            NameRule::Subdomain => subdomain(name),
            NameRule::Label => label(name),
            NameRule::Label1035 => label_1035(name),
        }
    }
}

const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const DNS_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn syntax(problem: &str, expression: &str, examples: &[&str]) -> String {
    let mut text = format!("{problem} (e.g. ");
    for (position, example) in examples.iter().enumerate() {
        if position > 0 {
            text.push_str(" or ");
        }
        text.push_str(&format!("'{example}', "));
    }
    text.push_str(&format!("regex used for validation is '{expression}')"));
    text
}

/// Whether the text begins and ends with `edge` bytes and has only `inner` ones between them.
fn matches(text: &str, first: fn(u8) -> bool, inner: fn(u8) -> bool, last: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|&byte| first(byte))
        && bytes.last().is_some_and(|&byte| last(byte))
        && bytes.iter().all(|&byte| inner(byte))
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_label_text(text: &str) -> bool {
    matches(
        text,
        is_alphanumeric,
        |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
        is_alphanumeric,
    )
}

fn is_dns_label(text: &str) -> bool {
    matches(
        text,
        is_lower,
        |byte| is_lower(byte) || byte == b'-',
        is_lower,
    )
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_dns_label)
}

/// What is wrong with a DNS-1123 subdomain.
pub(crate) fn subdomain(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 253 {
        problems.push(too_long(253));
    }
    if !is_subdomain(text) {
        let expression = format!("{DNS_LABEL}(\\.{DNS_LABEL})*");
        problems.push(syntax(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
             '-' or '.', and must start and end with an alphanumeric character",
            &expression,
            &["example.com"],
        ));
    }
    problems
}

/// What is wrong with a host name that may begin with `*.`.
pub(crate) fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 253 {
        problems.push(too_long(253));
    }
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        let expression = format!("\\*\\.{DNS_LABEL}(\\.{DNS_LABEL})*");
        problems.push(syntax(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS \
             subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and \
             end with an alphanumeric character",
            &expression,
            &["*.example.com"],
        ));
    }
    problems
}

/// What is wrong with a DNS-1123 label.
pub(crate) fn label(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push(too_long(63));
    }
    if is_dns_label(text) {
        return problems;
    }
    problems.push(if is_subdomain(text) {
        "must not contain dots".to_owned()
    } else {
        syntax(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \
             '-', and must start and end with an alphanumeric character",
            DNS_LABEL,
            &["my-name", "123-abc"],
        )
    });
    problems
}

/// What is wrong with a DNS-1035 label.
pub(crate) fn label_1035(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push(too_long(63));
    }
    let valid = matches(
        text,
        |byte| byte.is_ascii_lowercase(),
        |byte| is_lower(byte) || byte == b'-',
        is_lower,
    );
    if !valid {
        problems.push(syntax(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
             with an alphabetic character, and end with an alphanumeric character",
            DNS_1035,
            &["my-name", "abc-123"],
        ));
    }
    problems
}

fn qualified_syntax() -> String {
    syntax(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
         an alphanumeric character",
        QUALIFIED,
        &["MyName", "my.name", "123-abc"],
    )
}

/// What is wrong with a label key (V18): an optional DNS prefix, a slash and a name.
pub(crate) fn label_key(key: &str) -> Vec<String> {
    // By far the most keys are fine, and there are very many.
    let mut problems = Vec::new();
    let name = match key.split_once('/') {
        None => key,
        Some((_, rest)) if rest.contains('/') => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' \
                 (e.g. 'example.com/MyName')",
                qualified_syntax()
            )];
        }
        Some(("", name)) => {
            problems.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            let prefixed = subdomain(prefix);
            problems.extend(prefixed.iter().map(|text| format!("prefix part {text}")));
            name
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        problems.push(format!("name part {}", too_long(63)));
    }
    if !is_label_text(name) {
        problems.push(format!("name part {}", qualified_syntax()));
    }
    problems
}

/// What is wrong with a label value (V18).
pub(crate) fn label_value(value: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if value.len() > 63 {
        problems.push(too_long(63));
    }
    if !value.is_empty() && !is_label_text(value) {
        problems.push(syntax(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', \
             '_' or '.', and must start and end with an alphanumeric character",
            &format!("({QUALIFIED})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    problems
}

/// What is wrong with a port's name (V8).
pub(crate) fn port_name(name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.len() > 15 {
        problems.push(too_long(15));
    }
    let charset = |byte: u8| is_lower(byte) || byte == b'-';
    if name.is_empty() || !name.bytes().all(charset) {
        problems.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        problems.push("must contain at least one letter (a-z)".to_owned());
    }
    if name.contains("--") {
        problems.push("must not contain consecutive hyphens".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        problems.push("must not begin or end with a hyphen".to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_names() {
        let long = "a".repeat(254);
        for (rule, name, fine) in [
            (NameRule::Subdomain, "web.v2-1", true),
            (NameRule::Subdomain, "0", true),
            (NameRule::Subdomain, "Web", false),
            (NameRule::Subdomain, "a..b", false),
            (NameRule::Subdomain, "a_b", false),
            (NameRule::Subdomain, "-a", false),
            (NameRule::Subdomain, "é", false),
            (NameRule::Subdomain, &long, false),
            (NameRule::Label, "shop", true),
            (NameRule::Label, "shop.eu", false),
            (NameRule::Label1035, "web", true),
            (NameRule::Label1035, "1web", false),
        ] {
            let problems = rule.problems(name);
            assert_eq!(problems.is_empty(), fine, "{rule:?} {name} {problems:?}");
        }
        assert_eq!(
            subdomain("Web"),
            [
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
                 characters, '-' or '.', and must start and end with an alphanumeric character \
                 (e.g. 'example.com', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ]
        );
        assert_eq!(label("a.b"), ["must not contain dots"]);
    }

    #[test]
    fn v18_label_keys_and_values() {
        let long = "a".repeat(64);
        for (key, n_problems) in [
            ("app", 0),
            ("app.kubernetes.io/name", 0),
            ("A_b.c-1", 0),
            ("", 2),
            ("/app", 1),
            ("a/", 2),
            ("a/b/c", 1),
            ("Example.com/app", 1),
            ("-app", 1),
            ("app name", 1),
            (&long, 1),
        ] {
            assert_eq!(
                label_key(key).len(),
                n_problems,
                "{key}: {:?}",
                label_key(key)
            );
        }
        for (value, fine) in [("", true), ("a.b_c-1", true), ("-", false), ("a b", false)] {
            assert_eq!(label_value(value).is_empty(), fine, "{value}");
        }
        assert_eq!(
            label_value("a b"),
            [
                "a valid label must be an empty string or consist of alphanumeric characters, \
                 '-', '_' or '.', and must start and end with an alphanumeric character \
                 (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                 '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ]
        );
    }

    #[test]
    fn v8_port_names() {
        for (name, expected) in [
            ("http", &[][..]),
            ("a-1", &[]),
            ("8080", &["must contain at least one letter (a-z)"]),
            (
                "HTTP",
                &[
                    "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                    "must contain at least one letter (a-z)",
                ],
            ),
            ("abcdefghijklmnop", &["must be no more than 15 characters"]),
            ("a--b", &["must not contain consecutive hyphens"]),
            ("-a", &["must not begin or end with a hyphen"]),
            (
                "",
                &[
                    "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                    "must contain at least one letter (a-z)",
                ],
            ),
        ] {
            assert_eq!(port_name(name), expected, "{name}");
        }
    }
}
