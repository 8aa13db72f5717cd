//! One source against every destination: what a list of pairs is streamed from.

use super::{GroupId, PairTraffic, Reach, next_id, to_index};
use crate::model::{Direction, Family, TrafficSet};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything one group reaches.
pub type Row = Vec<(GroupId, Arc<PairTraffic>)>;

/// Every group that pods of `source` reach or may reach in a family, with the traffic. Pods of
/// one group all have the same row.
///
/// Linear in groups plus ingress profiles: what is computed is shared between the destinations
/// that look the same from here.
pub fn row(reach: &Reach, source: GroupId, family: Family) -> Row {
    let Some(own) = reach.universe.elements_in(source, family) else {
        return Vec::new();
    };
    let egress = reach.table(reach.profile(source, Direction::Egress), Direction::Egress);
    // What is not certain is rare, and is looked at pair by pair.
    let unsure = egress.entries.iter().map(|entry| &entry.unsure);
    let unsure = unsure.fold(RoaringBitmap::new(), |all, one| all | one);
    let mut from_here: Vec<Option<(TrafficSet, TrafficSet)>> = vec![None; reach.ingress.len()];
    let mut cache: HashMap<(u64, u32), Arc<PairTraffic>> = HashMap::new();
    let mut row = Vec::new();
    for destination in (0..next_id(reach.n_groups())).map(GroupId) {
        let Some(theirs) = reach.universe.elements_in(destination, family) else {
            continue;
        };
        let single = match theirs {
            [element] if egress.entries.len() <= 64 && !unsure.contains(element.0) => Some(element),
            _ => None,
        };
        let exempt = reach.universe.share_node(source, destination);
        let (Some(element), false) = (single, exempt) else {
            let found = reach
                .between_groups(source, destination, family)
                .unwrap_or_default();
            if !found.is_none() {
                row.push((destination, Arc::new(found)));
            }
            continue;
        };
        let entries = egress.entries.iter().enumerate();
        let mask = entries.fold(0u64, |mask, (index, entry)| {
            mask | (u64::from(entry.peers.contains(element.0)) << index)
        });
        if mask == 0 {
            continue;
        }
        let profile = reach.profile(destination, Direction::Ingress);
        let found = cache.entry((mask, profile.0)).or_insert_with(|| {
            let out = egress.traffic_of(*element).allowed;
            let into = from_here.get_mut(to_index(profile.0)).map(|slot| {
                slot.get_or_insert_with(|| {
                    let side = reach.side(destination, Direction::Ingress, own);
                    let may = side.may();
                    (side.allowed, may)
                })
            });
            let pair = into.map(|(must, may)| {
                PairTraffic::new(out.intersection(must), &out.intersection(may))
            });
            Arc::new(pair.unwrap_or_default())
        });
        if !found.is_none() {
            row.push((destination, Arc::clone(found)));
        }
    }
    row
}
