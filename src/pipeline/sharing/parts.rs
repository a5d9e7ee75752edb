//! Contents that are too large for one request, sent in parts.

use super::super::error::Error;
use super::shelf::Content;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::future::Future;

/// What is larger goes in parts of this size, in bytes.
pub(super) const PART: u64 = 64 << 20;

/// No content has more parts: S3 takes no more. A large one has larger parts for it.
const MOST_PARTS: u64 = 10_000;

/// As many parts of one content are sent at a time.
const AT_A_TIME: usize = 4;

/// Sends a content in parts of a size, counted from 1; what came of each, in their order.
pub(super) async fn each<T, F>(
    content: &Content,
    size: u64,
    send: impl Fn(usize, Content) -> F,
) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let stretches = stretches(content.size, size);
    let sending = stretches.into_iter().enumerate().map(async |(number, (at, size))| {
        let part = content.part(at, size).await?;
        send(number + 1, part).await
    });
    stream::iter(sending.collect::<Vec<_>>()).buffered(AT_A_TIME).try_collect().await
}

/// Where the parts of a content begin, and how long they are.
fn stretches(whole: u64, size: u64) -> Vec<(u64, u64)> {
    let size = size.max(whole.div_ceil(MOST_PARTS));
    let begins = (0..whole.div_ceil(size)).map(|number| number * size);
    begins.map(|at| (at, size.min(whole - at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_one_size_and_no_more_than_stores_take() {
        assert_eq!(stretches(10, 4), [(0, 4), (4, 4), (8, 2)]);
        assert_eq!(stretches(8, 4), [(0, 4), (4, 4)]);
        for whole in [PART + 1, 5 << 30, (625 << 30) + 1, 5 << 40] {
            let parts = stretches(whole, PART);
            assert!((2..=10_000).contains(&parts.len()));
            assert_eq!(parts.iter().map(|(_, size)| size).sum::<u64>(), whole);
            assert!(parts.iter().all(|(_, size)| *size <= 4000 << 20), "Azure takes no larger ones");
        }
    }
}
