//! `scan` and `db`, and the verdicts of builds.

use super::build::platform;
use super::in_session;
use crate::cli::args::{Db, Format, Global, JudgeArgs, Policy, Scan, VerdictFormat};
use crate::cli::output::{Failure, Output};
use crate::cli::{Environment, exit, render};
use crate::pipeline::{
    self, CasesReport, DatabaseReport, ImageChoice, JudgeOptions, UpdateOptions, VerdictForm, VerdictReport,
};
use std::path::{Path, PathBuf};

/// By what images are judged.
pub(super) fn judge_options(args: &JudgeArgs, wanted: bool) -> JudgeOptions {
    JudgeOptions { policy: args.policy.clone(), database: args.db, day: args.as_of, wanted }
}

pub(super) fn scan(
    args: &Scan,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let choice =
        ImageChoice { image: args.image.clone(), platform: args.platform.as_deref().map(platform).transpose()? };
    let options = judge_options(&args.judge, true);
    let report = in_session(global, false, environment, |session| {
        pipeline::scan(session, &choice, &options, args.key.as_deref())
    })?;
    output.result(&pipeline::written(&report, form(args.format)))?;
    write_verdicts(std::slice::from_ref(&report), &args.verdict)?;
    Ok(if report.judgement.verdict.passed { exit::DONE } else { exit::POLICY })
}

fn form(format: VerdictFormat) -> VerdictForm {
    match format {
        VerdictFormat::Text => VerdictForm::Text,
        VerdictFormat::Json => VerdictForm::Json,
        VerdictFormat::Sarif => VerdictForm::Sarif,
        VerdictFormat::Cyclonedx => VerdictForm::CycloneDx,
        VerdictFormat::Junit => VerdictForm::JUnit,
        VerdictFormat::Gitlab => VerdictForm::GitLab,
        VerdictFormat::Markdown => VerdictForm::Markdown,
        VerdictFormat::Html => VerdictForm::Html,
    }
}

/// Writes verdicts to files. Where there are several, each gets a file of its own: `kiln.sarif` becomes
/// `kiln.hello.linux-arm64.sarif`.
pub(super) fn write_verdicts(verdicts: &[VerdictReport], wanted: &[(VerdictFormat, PathBuf)]) -> Result<(), Failure> {
    for (format, path) in wanted {
        for verdict in verdicts {
            let path = if verdicts.len() > 1 { own_path(path, verdict) } else { path.clone() };
            pipeline::write_file(&path, &pipeline::written(verdict, form(*format)))?;
        }
    }
    Ok(())
}

fn own_path(path: &Path, verdict: &VerdictReport) -> PathBuf {
    let name = verdict.image.rsplit('/').next().unwrap_or_default();
    let middle = format!("{name}.{}", verdict.platform.to_string().replace('/', "-"));
    match (path.file_stem(), path.extension()) {
        (Some(stem), Some(extension)) => {
            path.with_file_name(format!("{}.{middle}.{}", stem.to_string_lossy(), extension.to_string_lossy()))
        }
        _ => PathBuf::from(format!("{}.{middle}", path.display())),
    }
}

pub(super) fn policy(args: &Policy, output: &mut Output) -> Result<u8, Failure> {
    let Policy::Test { files, format } = args;
    let reports = files.iter().map(|file| pipeline::policy_test(file)).collect::<Result<Vec<_>, _>>()?;
    match format {
        Format::Json => output.json(&reports)?,
        Format::Text => {
            for (file, report) in files.iter().zip(&reports) {
                output.result(cases(file, report).as_bytes())?;
            }
        }
    }
    Ok(if reports.iter().all(CasesReport::passed) { exit::DONE } else { exit::FAILURE })
}

fn cases(file: &Path, report: &CasesReport) -> String {
    let mut text = format!("{}\n", file.display());
    for case in &report.cases {
        let word = if case.differences.is_empty() { "ok      " } else { "failed  " };
        text.push_str(&format!("  {word}{}\n", case.name));
        for difference in &case.differences {
            text.push_str(&format!("          {difference}\n"));
        }
    }
    text
}

pub(super) fn db(args: &Db, global: &Global, environment: &Environment, output: &mut Output) -> Result<u8, Failure> {
    let (report, format) = match args {
        Db::Update { from, ecosystem, date, format } => {
            let options = UpdateOptions { feeds: from.clone(), ecosystems: ecosystem.clone(), date: date.clone() };
            (in_session(global, false, environment, |session| pipeline::database_update(session, &options))?, format)
        }
        Db::Pull { reference, format } => {
            (in_session(global, false, environment, |session| pipeline::database_pull(session, reference))?, format)
        }
        Db::Push { reference, db, format } => (
            in_session(global, false, environment, |session| pipeline::database_push(session, reference, *db))?,
            format,
        ),
        Db::Show { db, format } => {
            (in_session(global, false, environment, |session| pipeline::database_show(session, *db))?, format)
        }
    };
    match format {
        Format::Json => output.json(&report)?,
        Format::Text => output.result(database(&report).as_bytes())?,
    }
    Ok(exit::DONE)
}

fn database(report: &DatabaseReport) -> String {
    let mut text =
        format!("database   {}\ndate       {}\nsize       {}\n", report.digest, report.date, render::size(report.size));
    for (ecosystem, count) in &report.records {
        text.push_str(&format!("{count:>10} {ecosystem}\n"));
    }
    for feed in &report.feeds {
        let date = feed.date.as_deref().map(|date| format!(" of {date}")).unwrap_or_default();
        let skipped = if feed.skipped > 0 { format!(", {} unreadable", feed.skipped) } else { String::new() };
        text.push_str(&format!("feed       {} ({}{date}, {} documents{skipped})\n", feed.name, feed.form, feed.count));
    }
    for skipped in &report.skipped {
        text.push_str(&format!("passed over {skipped}\n"));
    }
    if let Some(sent) = &report.sent {
        text.push_str(&format!("sent to    {sent}\n"));
    }
    text
}
