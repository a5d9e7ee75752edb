//! `rescan`.

use super::build::{keys, passphrase};
use super::in_session;
use super::judging::judge_options;
use crate::cli::args::{Format, Global, Rescan};
use crate::cli::output::{Failure, Output};
use crate::cli::{Environment, exit, render};
use crate::pipeline::{self, RescanOptions, RescanReport, Webhook};
use secrecy::SecretString;
use std::path::Path;

pub(super) fn rescan(
    args: &Rescan,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let passphrase = |path: &Path| passphrase(environment, path);
    let attach = args.attach.then(|| keys(args.sign_key.clone(), environment, &passphrase)).transpose()?;
    let options = RescanOptions {
        images: args.images.clone(),
        judge: judge_options(&args.judge, true),
        keys: args.key.clone(),
        attach,
    };
    let webhook = args.webhook.as_deref().map(|url| webhook(url, environment)).transpose()?;
    let (report, told) = in_session(global, false, environment, |session| {
        let report = pipeline::rescan(session, &options)?;
        let told = webhook.as_ref().map_or(Ok(()), |webhook| pipeline::notify(session, &report, webhook));
        Ok((report, told))
    })?;
    match args.format {
        Format::Json => output.json(&report)?,
        Format::Text => output.result(render::rescan(&report).as_bytes())?,
    }
    told?;
    Ok(code(&report, args))
}

fn webhook(url: &str, environment: &Environment) -> Result<Webhook, Failure> {
    let token = environment.text("KILN_WEBHOOK_TOKEN").map(SecretString::from);
    Ok(Webhook::new(url, token)?)
}

/// What is denied stays denied whatever else could not be found out.
fn code(report: &RescanReport, args: &Rescan) -> u8 {
    let totals = &report.totals;
    let is_denied =
        totals.denied > 0 || (args.deny_new && totals.new > 0) || (!args.allow_unjudged && totals.unjudged > 0);
    match is_denied {
        true => exit::POLICY,
        false if totals.unreadable > 0 || totals.unattached > 0 => exit::SERVICE,
        false => exit::DONE,
    }
}
