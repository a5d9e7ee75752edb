//! Recorded operations, to be done again.

use super::*;

/// What BuildKit's own copier made of random actions on random trees: `fsutil.jsonl` holds what
/// fsutil of April 2024, called as BuildKit's file backend calls it, left behind on disk.
///
/// Times of directories are not compared, as those of a real disk change with every entry.
#[test]
fn what_buildkit_makes_is_what_we_make() {
    let bench = Bench::new();
    for (number, line) in include_str!("fsutil.jsonl").lines().enumerate() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let lines = |key: &str| -> Vec<String> {
            case[key].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
        };
        let tree = |key: &str| bench.tree(&lines(key).iter().map(String::as_str).collect::<Vec<_>>());
        let actions = case["actions"].as_array().unwrap().iter().map(recorded).collect();
        let change = bench.run(&tree("dst"), &tree("src"), actions);
        let mut shown = bench.show(&change.unwrap_or_else(|e| panic!("{e}: case {number}: {line}")).entries);
        for line in shown.iter_mut().filter(|line| line.split(' ').next().is_some_and(|path| path.ends_with('/'))) {
            line.truncate(line.find(" t=").unwrap_or(line.len()));
        }
        shown.sort();
        assert_eq!(shown, lines("tree"), "case {number}: {line}");
    }
}

/// An action as it was recorded: what is left out is false, none or −1.
fn recorded(action: &serde_json::Value) -> Action {
    let text = |key: &str| action[key].as_str().unwrap_or_default().to_owned();
    let flag = |key: &str| action[key].as_bool().unwrap_or(false);
    let list = |key: &str| -> Vec<String> {
        let list = action[key].as_array().into_iter().flatten();
        list.map(|pattern| pattern.as_str().unwrap().to_owned()).collect()
    };
    let mode = action["Mode"].as_i64().map_or(-1, |mode| i32::try_from(mode).unwrap());
    let timestamp = action["Time"].as_i64().map_or(-1, |seconds| seconds * 1_000_000_000);
    let ids = action["Owner"].as_array().map(|ids| (ids[0].to_string(), ids[1].to_string()));
    let owner = ids.and_then(|(uid, gid)| owner(&uid, Some(&gid)));
    match action["Op"].as_str().unwrap() {
        "mkdir" => {
            let make_parents = flag("Parents");
            Action::Mkdir(FileActionMkDir { path: text("Dest"), mode, make_parents, owner, timestamp })
        }
        "mkfile" => {
            let data = text("Data").into_bytes();
            Action::Mkfile(FileActionMkFile { path: text("Dest"), mode, data, owner, timestamp })
        }
        "symlink" => {
            Action::Symlink(FileActionSymlink { oldpath: text("Data"), newpath: text("Dest"), owner, timestamp })
        }
        "rm" => Action::Rm(FileActionRm {
            path: text("Dest"),
            allow_not_found: flag("AllowNotFound"),
            allow_wildcard: flag("Wildcard"),
        }),
        _ => Action::Copy(FileActionCopy {
            src: text("Src"),
            dest: text("Dest"),
            owner,
            mode,
            follow_symlink: flag("Follow"),
            dir_copy_contents: flag("Contents"),
            create_dest_path: flag("CreateDest"),
            allow_wildcard: flag("Wildcard"),
            allow_empty_wildcard: flag("EmptyWildcard"),
            timestamp,
            include_patterns: list("Include"),
            exclude_patterns: list("Exclude"),
            always_replace_existing_dest_paths: flag("Replace"),
            ..FileActionCopy::default()
        }),
    }
}
