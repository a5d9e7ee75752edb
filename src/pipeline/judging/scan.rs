//! An image of somebody else's, or one that was released before, judged as it is; and a bill of materials.

use super::super::error::Error;
use super::super::opened::{ImageChoice, Opened};
use super::super::project::SPEC_FILE;
use super::super::report::VerdictReport;
use super::super::session::Session;
use super::super::verifying::{public_key, verify};
use super::attached;
use super::bench::{Bench, JudgeOptions};
use super::listed;
use super::scene::Scene;
use crate::evidence::contents::catalogue;
use crate::evidence::scan::{Finding, configuration};
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::{Outcome, Report, ids};
use crate::oci::Digest;
use crate::policy::Proofs;
use crate::policy::report::Layer;
use std::path::Path;

/// Says what is wrong with an image, or with what a bill of materials tells. With a public key what is attached to the image
/// counts as proof, as far as the key signed it.
pub fn scan(
    session: &Session<'_>,
    choice: &ImageChoice,
    options: &JudgeOptions,
    key: Option<&Path>,
) -> Result<VerdictReport, Error> {
    let bench = Bench::of_scan(session, options)?;
    match listed::read(Path::new(&choice.image))? {
        Some(bill) => listed::judge(&bench, &choice.image, bill),
        None => image(session, choice, &bench, key),
    }
}

fn image(
    session: &Session<'_>,
    choice: &ImageChoice,
    bench: &Bench,
    key: Option<&Path>,
) -> Result<VerdictReport, Error> {
    let opened = Opened::open(session, choice)?;
    let (imported, flat) = opened.unpacked(session)?;
    session.phase("scanning");
    let public = key.map(public_key).transpose()?;
    let attached = attached::read(&opened, public.as_ref())?;
    let lines = imported.config.history.iter().filter(|line| !line.empty_layer).map(|line| line.created_by.clone());
    let history: Vec<Option<String>> = lines.chain(std::iter::repeat(None)).take(imported.image.layers.len()).collect();
    let catalogued = catalogue(&flat.tree, attached.distribution.clone(), |_| false, &session.store)?;
    let annotations = opened.annotations()?;
    let (inputs, commands) = configuration::history(&imported.config, &annotations);
    let scene = Scene {
        annotations,
        tree: flat.tree,
        layers: imported.image.layers.iter().map(|layer| layer.descriptor.digest).collect(),
        layer_of: flat.layer_of,
        hidden: flat.hidden,
        components: Vec::new(),
        catalogued,
        inputs,
        commands,
        unattributed: Vec::new(),
        config: imported.config,
    };
    let mut found = scene.look(bench, &session.store)?;
    let places = found.findings.iter_mut().flat_map(|finding: &mut Finding| &mut finding.places);
    places.for_each(|place| attached.locate(place));
    let keys: Vec<PublicKey> = public.iter().chain(&bench.trust.keys).cloned().collect();
    let hint = public.as_ref().map(PublicKey::hint).unwrap_or_default();
    let provenance = bench.trust.reached(&opened.told(&keys)?, &hint);
    let proofs = match key {
        Some(key) => Proofs { provenance, ..proofs(&verify(session, choice, key, None)?, &opened.digest()) },
        None => Proofs { provenance, ..Proofs::default() },
    };
    let level = provenance.map(|reached| bench.told_level(reached)).filter(|level| *level > 0);
    let mut judgement = bench.judge(found, &choice.image, &proofs, Vec::new());
    let layer = |(layer, line): (&crate::image::layer::Layer, Option<String>)| Layer {
        digest: layer.descriptor.digest,
        size: layer.descriptor.size,
        about: line.unwrap_or_default(),
    };
    judgement.layers = imported.image.layers.iter().zip(history).map(layer).collect();
    Ok(VerdictReport {
        image: choice.image.clone(),
        platform: imported.image.platform.clone(),
        digest: opened.digest(),
        spec: SPEC_FILE.to_owned(),
        level,
        attestations: attached.claims,
        signatures: attached.signatures,
        judgement,
    })
}

/// What a key vouches for, of all that is attached to an image but provenance.
pub(in super::super) fn proofs(report: &Report, image: &Digest) -> Proofs {
    let of = |id: &'static str| report.checks.iter().filter(move |check| check.id == id && check.subject == *image);
    let holds = |id: &'static str| of(id).any(|check| check.result == Outcome::Passed);
    // A result is told with the name of its check in front.
    let checks = of(ids::TEST_RESULT).filter_map(|check| {
        let (name, _) = check.detail.as_deref()?.rsplit_once(": ")?;
        Some((name.to_owned(), check.result == Outcome::Passed))
    });
    Proofs {
        signature: holds(ids::SIGNATURE),
        sbom: holds(ids::CYCLONEDX) || holds(ids::SPDX),
        provenance: None,
        checks: checks.collect(),
    }
}
