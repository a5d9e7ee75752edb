//! The search in a piece of content: marks first, and at each of them what belongs to it.

use super::leak::{Hit, Source};
use super::place::Place;
use super::tokens::{MARKS, Mark, OUTSIDE};
use super::{address, jwt, keys, pem, runs, tokens};
use aho_corasick::packed::{Config, MatchKind, Searcher};
use std::ops::Range;
use std::sync::LazyLock;

/// The marks in runs that code of its own judges, in the order of [`own`].
pub(super) const OWN: &[&str] = &[jwt::BEGIN, pem::BEGIN_BASE64, pem::PUTTY];

/// The marks that stand anywhere, in the order of [`anywhere`]: few, so that they are found at the speed of memory.
const ANYWHERE: [&str; 8] = [
    pem::BEGIN,
    address::SEPARATOR,
    keys::AZURE_SECRET[0],
    keys::AZURE_SECRET[1],
    keys::AZURE_KEY,
    address::SIGNATURE,
    keys::AWS_NAMES[0],
    keys::AWS_NAMES[1],
];

/// How far behind a mark a secret can reach.
pub(super) const AHEAD: usize = 16 << 10;
/// How far before a mark anything is looked at.
pub(super) const BEHIND: usize = 512;

/// Finds the words of [`ANYWHERE`]; none on processors for which there is no fast way.
static SEARCHER: LazyLock<Option<Searcher>> = LazyLock::new(|| {
    let mut builder = Config::new().match_kind(MatchKind::LeftmostFirst).builder();
    builder.extend(ANYWHERE).build()
});

/// Says what stands at a mark: of a view of the content and the mark's place in it.
type Judge<'a> = &'a dyn Fn(&[u8], usize) -> [Option<Hit>; 2];

/// The secrets whose marks begin in `wanted` of `data`. What is more than [`AHEAD`] behind a mark or [`BEHIND`] before it has no
/// say, so that it does not matter in which pieces a content is read.
pub(super) fn search(place: Place, data: &[u8], wanted: Range<usize>, mut found: impl FnMut(Hit)) {
    let mut judged = |at: usize, judge: Judge<'_>| {
        if !wanted.contains(&at) {
            return;
        }
        let from = at.saturating_sub(BEHIND);
        let view = &data[from..(at + AHEAD).min(data.len())];
        for mut hit in judge(view, at - from).into_iter().flatten() {
            hit.range = hit.range.start + from..hit.range.end + from;
            found(hit);
        }
    };
    let nearby = wanted.start.saturating_sub(BEHIND)..(wanted.end + BEHIND).min(data.len());
    let area = &data[nearby.clone()];
    let mut searched = 0;
    runs::each(area, |start, end| {
        if !runs::may_be_random(&area[start..end]) {
            return;
        }
        let from = start.saturating_sub(OUTSIDE);
        MARKS.each(&area[from..end], |mark, at, mark_end| {
            // What stands before a run may have been the end of the one before.
            if from + mark_end > searched {
                judged(nearby.start + from + at, &|view, at| in_run(mark, view, at));
            }
        });
        searched = end;
    });
    each_anywhere(&data[wanted.start..(wanted.end + BEHIND).min(data.len())], |word, at| {
        judged(wanted.start + at, &|view, at| [anywhere(word, place, view, at), None]);
    });
}

fn each_anywhere(data: &[u8], mut found: impl FnMut(usize, usize)) {
    match &*SEARCHER {
        Some(searcher) => searcher.find_iter(data).for_each(|hit| found(hit.pattern().as_usize(), hit.start())),
        None => {
            for (word, text) in ANYWHERE.iter().enumerate() {
                memchr::memmem::find_iter(data, text).for_each(|at| found(word, at));
            }
        }
    }
}

fn in_run(mark: &Mark, view: &[u8], at: usize) -> [Option<Hit>; 2] {
    match mark {
        Mark::Own(this) => [own(*this, view, at), None],
        Mark::Form(token) => {
            let Some((rule, range, known)) = tokens::at(token, view, at) else { return [None, None] };
            let secret = if rule.id == "aws-access-key-id" { keys::aws_near(view, &range) } else { None };
            [Some(Hit { rule, range, known, source: Source::Form }), secret]
        }
    }
}

/// What stands at this many-th word of [`OWN`].
fn own(word: usize, view: &[u8], at: usize) -> Option<Hit> {
    match word {
        0 => jwt::at(view, at),
        1 => pem::in_base64(view, at),
        _ => pem::putty(view, at),
    }
}

/// What stands at this many-th word of [`ANYWHERE`].
fn anywhere(word: usize, place: Place, view: &[u8], at: usize) -> Option<Hit> {
    match word {
        0 => pem::at(view, at),
        1 => address::at(place, view, at),
        2 | 3 => keys::azure_client(view, at),
        4 => keys::azure_account(view, at),
        5 => address::signature(view, at),
        _ => keys::aws_named(view, at),
    }
}
