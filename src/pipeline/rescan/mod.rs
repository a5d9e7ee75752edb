//! Images that were published long ago, judged again by what is known today. Their bills of materials are read where they are
//! attached; of the images themselves nothing is pulled.

mod attach;
mod drift;
mod gather;
mod judge;
mod notify;
mod report;
mod target;
mod told;

pub use notify::{Webhook, notify};
pub use report::{
    AskedDatabase, BillReport, GoneHole, HoleReport, LastScan, OtherFinding, RescanReport, RescannedImage, Standing,
    Totals, UnreadableName,
};

use super::error::Error;
use super::identity::{Identity, KeySettings};
use super::judging::{Bench, JudgeOptions};
use super::report::VerdictReport;
use super::session::Session;
use super::verifying::public_key;
use crate::evidence::sign::PublicKey;
use crate::policy::Proofs;
use crate::registry::RegistryError;
use crate::store::StoreError;
use attach::Fresh;
use gather::{Gathered, Wanted};
use rayon::prelude::*;
use std::path::PathBuf;
use target::{Target, Targets};
use told::Told;

/// The version of the report's form.
const FORM: u32 = 1;

/// As many images are asked about at a time.
const PARALLEL: usize = 16;

/// What to judge again, and how.
pub struct RescanOptions<'a> {
    /// Repositories, or single images in them by tag or digest.
    pub images: Vec<String>,
    /// By what they are judged.
    pub judge: JudgeOptions,
    /// Public keys: what none of them signed does not count. Without any, everybody's word does.
    pub keys: Vec<PathBuf>,
    /// With what fresh verdicts are signed; none where none is attached.
    pub attach: Option<KeySettings<'a>>,
}

/// Judges published images by what is known today.
pub fn rescan(session: &Session<'_>, options: &RescanOptions<'_>) -> Result<RescanReport, Error> {
    let bench = Bench::of_bills(session, &options.judge)?;
    let asked = target::asked(session, &options.images)?;
    let identity = options.attach.as_ref().map(Identity::without_spec).transpose()?;
    let keys = keys(options, identity.as_ref())?;
    session.phase("fetching");
    let targets = session.wait(target::find(&asked, &session.store))?;
    let wanted = Wanted { store: &session.store, keys: &keys, everything: bench.asks_for_proofs() };
    let gathered = session.wait(gather::gather(&targets.images, &wanted))?;
    session.phase("scanning");
    let mut images = judged(session, &bench, &targets.images, &gathered, &keys)?;
    if let Some(identity) = &identity {
        attach_fresh(session, &bench, identity, &targets.images, &mut images)?;
    }
    report(&bench, targets, images)
}

/// Whose word counts: the keys that were named, and the one that signs verdicts.
fn keys(options: &RescanOptions<'_>, identity: Option<&Identity<'_>>) -> Result<Vec<PublicKey>, Error> {
    let named = options.keys.iter().map(|path| public_key(path));
    named.chain(identity.map(Identity::public_key)).collect()
}

/// An image with what is attached to it.
type Attached<'a> = (&'a Target, &'a Result<Gathered, String>);

/// What is said of an image, with all that it is said by.
struct Judged {
    image: RescannedImage,
    verdict: Option<VerdictReport>,
    told: Result<Told, String>,
}

fn judged(
    session: &Session<'_>,
    bench: &Bench,
    targets: &[Target],
    gathered: &[Result<Gathered, String>],
    keys: &[PublicKey],
) -> Result<Vec<Judged>, Error> {
    let read = |(target, gathered): Attached<'_>| match gathered {
        Ok(gathered) => Ok(Ok(Told::read(session, &target.manifest.digest, gathered, keys)?)),
        Err(problem) => Ok(Err(problem.clone())),
    };
    let told = targets.par_iter().zip(gathered).map(read).collect::<Result<Vec<_>, StoreError>>()?;
    let readable = told.iter().filter_map(|told| told.as_ref().ok());
    let findings = judge::findings(bench, readable, session.settings.jobs)?;
    let judge = |((target, gathered), told): (Attached<'_>, Result<Told, String>)| {
        let proofs = match gathered {
            Ok(gathered) if bench.asks_for_proofs() => {
                judge::proofs(bench, &session.store, &target.manifest.digest, gathered, keys)?
            }
            _ => Proofs::default(),
        };
        let (image, verdict) = judge::judge(bench, target, &told, &findings, &proofs);
        Ok(Judged { image, verdict, told })
    };
    targets.par_iter().zip(gathered).zip(told).map(judge).collect()
}

/// Attaches what is not attached yet.
fn attach_fresh(
    session: &Session<'_>,
    bench: &Bench,
    identity: &Identity<'_>,
    targets: &[Target],
    images: &mut [Judged],
) -> Result<(), Error> {
    let fresh = targets.iter().zip(images.iter()).enumerate().filter_map(|(at, (target, judged))| {
        let Judged { image, verdict: Some(verdict), told: Ok(told) } = judged else { return None };
        Fresh::of(bench, at, target, (image, verdict, told))
    });
    let fresh: Vec<Fresh<'_>> = fresh.collect();
    let attached = attach::attach(session, identity, bench.day, &fresh)?;
    for (fresh, attached) in fresh.iter().zip(attached) {
        let image = &mut images[fresh.at].image;
        match attached {
            Ok(attached) => image.attached = attached,
            Err(problem) => image.not_attached = Some(problem),
        }
    }
    Ok(())
}

fn report(bench: &Bench, targets: Targets, judged: Vec<Judged>) -> Result<RescanReport, Error> {
    let none = || Error::Mistake("images were judged again without a database of advisories".into());
    let database = bench.database.as_ref().ok_or_else(none)?;
    let images: Vec<RescannedImage> = judged.into_iter().map(|judged| judged.image).collect();
    Ok(RescanReport {
        rescan: FORM,
        kiln: env!("CARGO_PKG_VERSION").to_owned(),
        day: bench.day,
        database: AskedDatabase { digest: *database.digest(), date: database.facts().date.clone() },
        policies: bench.texts(),
        totals: Totals::of(&images, &targets.unreadable),
        images,
        unreadable: targets.unreadable,
        others: targets.others,
    })
}

/// What failed for one image ends nothing, and is told in words; what fails for all of them ends the run.
fn passing<T>(found: Result<T, RegistryError>) -> Result<Result<T, String>, Error> {
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(error @ (RegistryError::Store(_) | RegistryError::Setting(_) | RegistryError::Certificate { .. })) => {
            Err(error.into())
        }
        Err(error) => Ok(Err(drift::text(&error.to_string()))),
    }
}
