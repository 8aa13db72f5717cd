//! To a destination outside by name: which addresses it has is not in the input, and not guessed.

use super::called::asked_number;
use super::lookup::lookup_hop;
use super::pieces::{ask, merge, overall_of};
use super::{Caller, CanError, Context, Hop, Overall, Piece, PortQuery, Who};
use crate::model::{AddressSet, domain_matches, with_names};
use crate::reach::Reach;
use std::collections::BTreeMap;

/// The look-up of the name and policy on the way to its addresses.
pub(super) fn domain_hops(
    context: Context<'_>,
    sources: &Caller,
    name: &str,
    port: &PortQuery,
) -> Result<Vec<Hop>, CanError> {
    let mut hops = Vec::new();
    if let Caller::Pods(pods) = sources {
        hops.push(lookup_hop(context, pods, name)?);
    }
    hops.push(to_name(context, sources, name, port)?);
    Ok(hops)
}

/// Policy on the way to whatever addresses a name has (S5). Rules for names apply where they are
/// about this one; of rules for addresses only what holds for every address is certain.
pub(super) fn to_name(
    context: Context<'_>,
    sources: &Caller,
    name: &str,
    port: &PortQuery,
) -> Result<Hop, CanError> {
    if !matches!(sources, Caller::Pods(_)) {
        return Err(CanError::NothingInside);
    }
    let mut cluster = context.cluster.clone();
    with_names(&mut cluster, |pattern, _| domain_matches(pattern, name));
    let reach = Reach::new(&cluster);
    let context = Context {
        cluster: &cluster,
        reach: &reach,
        ..context
    };
    let is_any = *port == PortQuery::Any;
    let mut hop = Hop::new(format!("to `{name}`, outside"));
    let everywhere = Who::Addresses(AddressSet::full());
    let asked = asked_number(port);
    hop.pieces = ask(context, sources, &everywhere, asked.as_ref())?;
    hop.overall = overall_of(&hop.pieces, is_any);
    let mut by_caller: BTreeMap<Who, Vec<Piece>> = BTreeMap::new();
    for piece in std::mem::take(&mut hop.pieces) {
        let own = by_caller.entry(piece.source.clone()).or_default();
        own.push(piece);
    }
    // Where one caller gets to some addresses and not to others, it may get to the name or not.
    let is_divided = by_caller
        .values()
        .any(|pieces| overall_of(pieces, is_any) == Overall::Partly);
    let mut pieces: Vec<Piece> = by_caller.into_values().flatten().collect();
    if !is_divided {
        for piece in &mut pieces {
            piece.destination = Who::Name(name.to_owned());
        }
    }
    hop.pieces = merge(pieces);
    if !is_divided {
        return Ok(hop);
    }
    let cause = format!("the addresses of `{name}` are not in the input");
    Ok(hop.ended(Overall::Unknown, cause))
}
