//! The eBPF target: a fixed program, and maps that hold the policy.

mod emit;
mod files;
mod maps;
mod prefix;
mod read;
mod semantics;
mod text;

pub use emit::{emit, numbered};
pub use files::{LOADER, PROGRAM, files, read_files};
pub use maps::{Capacity, End, Kind, Maps, Part, PolicyKey, capacities, too_large};
pub use prefix::Prefix;
pub use read::{
    MapProblem, Table, is_loaded, map_in_slot, modes_of, read_batch, read_dump, slot_of,
};
pub use semantics::{add_unattached, decide, program};
pub use text::{Names, addresses, generation, pin_directory, policy};
