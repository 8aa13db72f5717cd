//! The files of a node's bundle.

use super::emit::numbered;
use super::maps::Maps;
use super::read::{MapProblem, Table, read_batch};
use super::text::{Names, addresses, generation, pin_directory, policy};
use crate::dataplane::compile::Comments;
use crate::dataplane::table::NodeTable;
use crate::model::{AddressSet, Direction, Family};
use std::collections::BTreeMap;

/// The program, in C.
pub const PROGRAM: &str = include_str!("portolan.bpf.c");
/// The loader, in C.
pub const LOADER: &str = include_str!("loader.c");

/// What classes and rules are called, in the words of comments.
fn names(table: &NodeTable, comments: &Comments<'_>) -> Names {
    let mut names = Names::default();
    for direction in Direction::ALL {
        for ((_, class), number) in numbered(table, direction).into_iter().zip(1u32..) {
            let lines = (comments.class)(class);
            names.classes.push(((direction, number), lines));
        }
    }
    for class in &table.classes {
        names
            .rules
            .extend(class.rows.iter().map(|row| (comments.row)(class, row)));
    }
    names
}

/// All files, by name. `header` is lines of comments.
pub fn files(
    header: &str,
    table: &NodeTable,
    maps: &Maps,
    comments: &Comments<'_>,
) -> BTreeMap<&'static str, String> {
    let node = &table.node;
    let isolated = table.classes.iter().map(|class| &class.addresses);
    let isolated = AddressSet::union_of(isolated);
    let of = |family: Family| {
        let ranges = isolated.ranges(family).into_iter();
        ranges.flat_map(move |(first, last)| {
            (first..=last).map(move |number| family.address(number).to_string())
        })
    };
    let isolated: Vec<String> = Family::ALL.into_iter().flat_map(of).collect();
    let script = |text: &str| {
        let text = text.replace("@DIRECTORY@", &pin_directory(node));
        let text = text.replace("@ADDRESSES@", &isolated.join(" "));
        text.replace("@HEADER@\n", header).replace("@NODE@", node)
    };
    BTreeMap::from([
        ("portolan.bpf.c", PROGRAM.to_owned()),
        ("loader.c", LOADER.to_owned()),
        ("Makefile", script(include_str!("bundle/Makefile"))),
        ("load.sh", script(include_str!("bundle/load.sh"))),
        ("load-tc.sh", script(include_str!("bundle/load-tc.sh"))),
        ("unload.sh", script(include_str!("bundle/unload.sh"))),
        (
            "portolan.service",
            script(include_str!("bundle/portolan.service")),
        ),
        ("generation.batch", generation(header, node, maps)),
        (
            "addresses4.batch",
            addresses(header, node, maps, Family::V4),
        ),
        (
            "addresses6.batch",
            addresses(header, node, maps, Family::V6),
        ),
        (
            "policy.batch",
            policy(header, node, maps, &names(table, comments)),
        ),
    ])
}

/// Reads maps back from the files of a bundle.
///
/// # Errors
///
/// At the first file that is not there or not understood.
pub fn read_files<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Result<Maps, MapProblem> {
    let mut maps = Maps::default();
    for table in Table::ALL {
        let name = format!("{}.batch", table.name());
        let text = text(&name).ok_or_else(|| MapProblem {
            table: table.name(),
            line: 0,
            text: String::new(),
            problem: format!("there is no `{name}`"),
        })?;
        read_batch(&mut maps, table, text)?;
    }
    Ok(maps)
}
