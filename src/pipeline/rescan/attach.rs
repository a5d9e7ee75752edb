//! Fresh verdicts: signed, pushed beside their images, read back and verified. No tag moves.

use super::super::attest::{self, Attested};
use super::super::error::Error;
use super::super::identity::Identity;
use super::super::judging::{Bench, Claim, statements};
use super::super::place::Transfer;
use super::super::publish::OfLayout;
use super::super::report::{AttestationReport, VerdictReport};
use super::super::session::Session;
use super::drift::text;
use super::report::RescannedImage;
use super::target::Target;
use super::told::Told;
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::check_signed;
use crate::evidence::{MAX_BUNDLE, PREDICATE_TYPE, Subject};
use crate::image::layout::Layout;
use crate::oci::{Descriptor, Manifest, document};
use crate::policy::report::{Summary, Vulnerabilities};
use crate::registry::{self, Repository};
use futures_util::stream::{self, StreamExt};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rayon::prelude::*;

/// As many images get their verdicts at a time.
const PARALLEL: usize = 4;

/// What is to be said of an image that was not said before.
pub(super) struct Fresh<'a> {
    /// The position of the image in the report.
    pub at: usize,
    target: &'a Target,
    claims: Vec<Claim>,
}

impl<'a> Fresh<'a> {
    /// What of a verdict is not attached yet: its holes where they are others, and whether the policy lets it pass where that is
    /// not what it was. That a policy lets an image pass is said only where the policy asks for nothing else than bills of
    /// materials tell.
    pub(super) fn of(
        bench: &Bench,
        at: usize,
        target: &'a Target,
        (image, verdict, told): (&RescannedImage, &VerdictReport, &Told),
    ) -> Option<Self> {
        let has_drifted = told.last.is_none() || !image.gone.is_empty() || image.holes.iter().any(|hole| hole.new);
        let may_be_said = bench.has_policy() && (!verdict.judgement.verdict.passed || bench.sees_all_in_bills());
        let subject = Subject::new(&image.digest).named(&image.repository);
        let mut claims = statements(verdict, &[subject]);
        claims.retain(|claim| match claim.predicate_type.as_str() {
            Vulnerabilities::TYPE => has_drifted,
            Summary::TYPE => may_be_said && !is_said(claim, &told.verdicts),
            _ => false,
        });
        (!claims.is_empty()).then_some(Fresh { at, target, claims })
    }
}

/// Whether the newest verdict by the same policy says the same.
fn is_said(claim: &Claim, verdicts: &[Summary]) -> bool {
    let Ok(own) = serde_json::from_str::<Summary>(claim.predicate.get()) else { return false };
    verdicts.iter().find(|verdict| verdict.policy == own.policy).is_some_and(|last| last.passed() == own.passed())
}

/// Signs and attaches; for each what was attached, or in words why it was not.
pub(super) fn attach(
    session: &Session<'_>,
    identity: &Identity<'_>,
    day: Date,
    fresh: &[Fresh<'_>],
) -> Result<Vec<Result<Vec<AttestationReport>, String>>, Error> {
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    session.phase("signing");
    let signer = identity.open()?;
    // The time of the statements themselves: the same verdict is the same bytes.
    let midnight = day.to_zoned(TimeZone::UTC).map_err(|error| Error::Usage(format!("the day {day}: {error}")))?;
    let epoch = midnight.timestamp().as_second();
    let sign = |fresh: &Fresh<'_>| {
        attest::claims(&session.store, signer.as_ref(), &fresh.target.manifest, &fresh.claims, epoch)
    };
    let signed = fresh.par_iter().map(sign).collect::<Result<Vec<_>, _>>()?;
    session.phase("pushing");
    let key = signer.public_key();
    let sending: Vec<_> = fresh.iter().zip(&signed).map(|(fresh, signed)| send(session, fresh, signed, key)).collect();
    let sent: Vec<_> = session.wait(stream::iter(sending).buffered(PARALLEL).collect());
    Ok(sent.into_iter().map(|sent| sent.map_err(|error| text(&error.to_string()))).collect())
}

async fn send(
    session: &Session<'_>,
    fresh: &Fresh<'_>,
    signed: &Attested,
    key: &PublicKey,
) -> Result<Vec<AttestationReport>, Error> {
    let (repository, layout) = (&fresh.target.repository, Layout::of_store(&session.store, Vec::new()));
    let contents = OfLayout(&layout);
    registry::push_referrers(repository, &signed.referrers, &contents, &session.store, &Transfer(session)).await?;
    let listed = repository.referrers(&fresh.target.manifest.digest).await?;
    for row in &signed.referrers {
        let arrived = listed.iter().any(|other| other.digest == row.digest);
        if !arrived || !is_verified(repository, row, &fresh.target.manifest, key).await? {
            let reason = format!("the verdict {} was pushed and cannot be read back", row.digest);
            return Err(Error::Refused { place: repository.reference().to_string(), reason });
        }
    }
    let report = |row: &Descriptor| AttestationReport {
        predicate_type: row.annotations.get(PREDICATE_TYPE).cloned().unwrap_or_default(),
        digest: row.digest,
    };
    Ok(signed.referrers.iter().map(report).collect())
}

/// Whether a consumer who has the key finds a statement about the image.
async fn is_verified(
    repository: &Repository,
    row: &Descriptor,
    image: &Descriptor,
    key: &PublicKey,
) -> Result<bool, Error> {
    let Some(found) = repository.by_digest(&row.digest).await? else { return Ok(false) };
    let manifest: Result<Manifest, String> = document::manifest(&found.bytes, &found.descriptor.media_type);
    let Some(bundle) = manifest.ok().and_then(|manifest| manifest.layers.into_iter().next()) else { return Ok(false) };
    let bytes = repository.read_blob(&bundle, MAX_BUNDLE).await?;
    Ok(check_signed(&bytes, key).is_ok_and(|statement| statement.is_about(&image.digest)))
}
