//! The intents that come with Portolan, in policies/.

/// An intent that is named rather than read from a file.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// What follows `builtin:`.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Its YAML.
    pub text: &'static str,
}

macro_rules! builtins {
    ($($name:literal: $summary:literal;)*) => {
        /// All of them. A new one is a file in policies/ and a line here.
        pub const BUILTINS: &[Builtin] = &[$(Builtin {
            name: $name,
            summary: $summary,
            text: include_str!(concat!("../../policies/", $name, ".yaml")),
        }),*];
    };
}

builtins! {
    "default-deny": "every pod is isolated in both directions, but for kube-system";
    "dns": "every pod may look up names";
    "tenant-isolation": "pods of different tenants do not talk";
    "pci": "card data is reached by those marked for it, and by nobody else";
    "no-open-database": "no database port is open to public addresses";
    "no-metadata": "the cloud's metadata address is reached by nobody outside kube-system";
}

/// The intent of that name.
pub fn builtin(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}
