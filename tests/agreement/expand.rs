//! Rows and products, expanded again into what they say of one pair.

use portolan::model::{Direction, Family, PodId, TrafficSet};
use portolan::reach::{End, PairTraffic, Product, Products, Reach, Scope, row};
use std::net::IpAddr;

/// What the row of the source says of the destination: nothing is no traffic.
pub(crate) fn in_row(
    reach: &Reach,
    source: PodId,
    destination: PodId,
    family: Family,
) -> PairTraffic {
    let [from, to] = [source, destination].map(|pod| reach.group_of(pod).unwrap());
    let row = row(reach, from, family);
    let mut found = row.iter().filter(|(group, _)| *group == to);
    let traffic = found.next().map(|(_, traffic)| traffic.as_ref().clone());
    assert!(found.next().is_none(), "{to:?} is twice in a row");
    traffic.unwrap_or_default()
}

/// What all products together say of a pair.
pub(crate) fn in_products(
    reach: &Reach,
    products: &Products,
    source: PodId,
    destination: PodId,
    family: Family,
) -> PairTraffic {
    let sum = |products: &[Product]| {
        let holding = products.iter().filter(|product| {
            in_scope(product, family) && holds_pair(reach, product, source, destination)
        });
        holding.fold(TrafficSet::none(), |set, product| {
            set.union(&product.traffic)
        })
    };
    PairTraffic {
        allowed: sum(&products.allowed),
        unknown: sum(&products.unknown),
    }
}

/// Whether some product that is about this family only holds the pair.
pub(crate) fn is_mentioned(
    reach: &Reach,
    products: &Products,
    source: PodId,
    destination: PodId,
    family: Family,
) -> bool {
    let mut all = products.allowed.iter().chain(&products.unknown);
    all.any(|product| {
        product.scope == Scope::Only(family) && holds_pair(reach, product, source, destination)
    })
}

/// What all products together say of a pod and an address outside.
pub(crate) fn in_products_outside(
    reach: &Reach,
    products: &Products,
    pod: PodId,
    direction: Direction,
    address: IpAddr,
) -> PairTraffic {
    let holds = |product: &&Product| {
        let (inside, outside) = match direction {
            Direction::Egress => (&product.sources, &product.destinations),
            Direction::Ingress => (&product.destinations, &product.sources),
        };
        let holds_address = match outside {
            End::External(addresses) => addresses.contains(address),
            End::Groups(_) => false,
        };
        in_scope(product, Family::of(address)) && has_pod(reach, inside, pod) && holds_address
    };
    let sum = |products: &[Product]| {
        let holding = products.iter().filter(holds);
        holding.fold(TrafficSet::none(), |set, product| {
            set.union(&product.traffic)
        })
    };
    PairTraffic {
        allowed: sum(&products.allowed),
        unknown: sum(&products.unknown),
    }
}

fn in_scope(product: &Product, family: Family) -> bool {
    product.scope == Scope::AnyFamily || product.scope == Scope::Only(family)
}

fn holds_pair(reach: &Reach, product: &Product, source: PodId, destination: PodId) -> bool {
    has_pod(reach, &product.sources, source) && has_pod(reach, &product.destinations, destination)
}

fn has_pod(reach: &Reach, end: &End, pod: PodId) -> bool {
    end.groups()
        .any(|group| reach.pods_of(group).contains(&pod))
}
