//! What an operation must fulfil by itself, wherever it stands in a graph.

mod exec;

use super::{LlbError, Output, pb};
use crate::oci::Digest;
use prost::Message;

/// Decodes the bytes of one operation, which were walked before or are our own.
pub(super) fn decode(bytes: &[u8]) -> Result<pb::Op, LlbError> {
    pb::Op::decode(bytes).map_err(|_| LlbError::Malformed { message: "Op" })
}

/// Checks one vertex and returns its inputs.
pub(super) fn vertex(digest: &Digest, op: &pb::Op) -> Result<Vec<Output>, LlbError> {
    let inputs = op.inputs.iter().map(|input| output(digest, input)).collect::<Result<Vec<_>, _>>()?;
    let checked = match &op.op {
        None => return Err(LlbError::NoOperation { vertex: *digest }),
        Some(pb::op::Op::Source(source)) => check_source(source),
        Some(pb::op::Op::File(file)) => check_file(file, inputs.len()),
        Some(pb::op::Op::Merge(merge)) => check_merge(merge, inputs.len()),
        Some(pb::op::Op::Diff(diff)) => check_diff(diff, inputs.len()),
        Some(pb::op::Op::Exec(exec)) => exec::check(exec, inputs.len()),
        Some(pb::op::Op::Build(_)) => Ok(()),
    };
    checked.map_err(|problem| LlbError::Invalid { vertex: *digest, problem })?;
    Ok(inputs)
}

fn output(of: &Digest, input: &pb::Input) -> Result<Output, LlbError> {
    let vertex = input
        .digest
        .parse()
        .map_err(|_| LlbError::BadDigest { vertex: *of, digest: input.digest.chars().take(80).collect() })?;
    let index = u32::try_from(input.index)
        .map_err(|_| LlbError::Invalid { vertex: *of, problem: format!("there is no output {}", input.index) })?;
    Ok(Output { vertex, index })
}

fn check_source(source: &pb::SourceOp) -> Result<(), String> {
    match source.identifier.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(()),
        _ => Err(format!("`{}` is no source", source.identifier.chars().take(80).collect::<String>())),
    }
}

fn check_file(file: &pb::FileOp, inputs: usize) -> Result<(), String> {
    if file.actions.is_empty() {
        return Err("a file operation without actions".to_owned());
    }
    let trees = inputs + file.actions.len();
    let mut outputs: Vec<i64> = Vec::new();
    for (i, action) in file.actions.iter().enumerate() {
        for index in [action.input, action.secondary_input] {
            check_index(index, trees)?;
        }
        match action.action.as_ref() {
            None => return Err(format!("action {i} of the file operation is unknown")),
            Some(action) => check_owner(action, trees)?,
        }
        if action.output >= 0 {
            outputs.push(action.output);
        } else if action.output != -1 {
            return Err(format!("there is no output {}", action.output));
        }
    }
    outputs.sort_unstable();
    if outputs.is_empty() || outputs.iter().enumerate().any(|(i, output)| i64::try_from(i) != Ok(*output)) {
        return Err("the outputs of a file operation must be numbered from 0 without gaps".to_owned());
    }
    check_order(file, inputs)
}

/// An action may use any other's result but, by whatever way, its own.
fn check_order(file: &pb::FileOp, inputs: usize) -> Result<(), String> {
    let needs = |i: usize| {
        let action = &file.actions[i];
        let owners = action.action.as_ref().map(owner_inputs).unwrap_or_default();
        let all = [action.input, action.secondary_input].into_iter().chain(owners);
        all.filter_map(move |index| usize::try_from(index).ok()?.checked_sub(inputs)).collect::<Vec<_>>()
    };
    let mut done = vec![false; file.actions.len()];
    let mut open = vec![false; file.actions.len()];
    for start in 0..file.actions.len() {
        let mut path = vec![(start, needs(start))];
        while let Some((i, mut rest)) = path.pop() {
            if done[i] {
                continue;
            }
            open[i] = true;
            match rest.pop() {
                Some(next) if open[next] && !done[next] => {
                    return Err(format!("action {i} of the file operation needs its own result"));
                }
                Some(next) => {
                    path.push((i, rest));
                    path.push((next, needs(next)));
                }
                None => done[i] = true,
            }
        }
    }
    Ok(())
}

fn check_owner(action: &pb::file_action::Action, trees: usize) -> Result<(), String> {
    owner_inputs(action).into_iter().try_for_each(|index| {
        if index < 0 {
            return Err("an owner is given by name, but there is no tree to look it up in".to_owned());
        }
        check_index(index, trees)
    })
}

/// The trees in which an action looks up named owners.
pub(super) fn owner_inputs(action: &pb::file_action::Action) -> Vec<i64> {
    let owner = match action {
        pb::file_action::Action::Copy(copy) => &copy.owner,
        pb::file_action::Action::Mkdir(mkdir) => &mkdir.owner,
        pb::file_action::Action::Mkfile(mkfile) => &mkfile.owner,
        pb::file_action::Action::Symlink(symlink) => &symlink.owner,
        pb::file_action::Action::Rm(_) => return Vec::new(),
    };
    let accounts = owner.iter().flat_map(|owner| [&owner.user, &owner.group]).flatten();
    let by_name = |account: &pb::UserOpt| match &account.user {
        Some(pb::user_opt::User::ByName(named)) => Some(named.input),
        _ => None,
    };
    accounts.filter_map(by_name).collect()
}

fn check_merge(merge: &pb::MergeOp, inputs: usize) -> Result<(), String> {
    if merge.inputs.is_empty() {
        return Err("a merge of nothing".to_owned());
    }
    merge.inputs.iter().try_for_each(|input| match input.input {
        -1 => Err("a merge with an input that is not there".to_owned()),
        index => check_index(index, inputs),
    })
}

fn check_diff(diff: &pb::DiffOp, inputs: usize) -> Result<(), String> {
    match (&diff.lower, &diff.upper) {
        (Some(lower), Some(upper)) => check_index(lower.input, inputs).and(check_index(upper.input, inputs)),
        _ => Err("a difference needs both sides".to_owned()),
    }
}

/// An index counts from 0; −1 stands for the empty tree.
fn check_index(index: i64, count: usize) -> Result<(), String> {
    match usize::try_from(index) {
        Ok(index) if index < count => Ok(()),
        Err(_) if index == -1 => Ok(()),
        _ => Err(format!("input {index} is not there: the operation has {count}")),
    }
}
