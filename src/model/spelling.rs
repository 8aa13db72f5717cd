//! What a misspelt name was meant to be.

/// The candidate that `word` is probably a misspelling of.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is that long, and comparing takes time in proportion to it.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    // One slip in a short word, up to three in a long one.
    let allowed = match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|&(distance, _)| distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn np002_nearest_name() {
        let fields = ["podSelector", "policyTypes", "ingress", "egress"];
        for (word, expected) in [
            ("ingres", Some("ingress")),
            ("Ingress", Some("ingress")),
            ("egres", Some("egress")),
            ("podselector", Some("podSelector")),
            ("podSelectors", Some("podSelector")),
            ("policyType", Some("policyTypes")),
            ("rules", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, fields), expected, "{word}");
        }
    }
}
