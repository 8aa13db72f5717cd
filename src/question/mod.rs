//! Questions about a cluster, one file each. They return data; `report` and `cli` show it.

pub mod can;
pub mod check;
pub mod compare;
pub mod diff;
pub mod dns;
pub mod endpoint;
pub mod explain;
pub mod exposure;
pub mod fix;
pub mod ingress;
pub mod list;
pub mod near;
pub mod one_way;
pub mod redundant;
pub mod service;
pub mod ties;
