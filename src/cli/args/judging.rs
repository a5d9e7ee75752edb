//! What is said of judgement: `scan`, `db`, and the policy of a build.

use super::Format;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// By what images are judged.
#[derive(Debug, Args)]
pub(in crate::cli) struct JudgeArgs {
    /// A policy that the spec cannot weaken (specs/language/policy.md)
    #[arg(long, value_name = "FILE", env = "KILN_POLICY", hide_env_values = true)]
    pub policy: Option<PathBuf>,
    /// Judge by this database of advisories instead of the lock's or the newest one
    #[arg(long, value_name = "DIGEST")]
    pub db: Option<crate::oci::Digest>,
    /// Judge as if it were this day: acceptances end, and distributions do [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<jiff::civil::Date>,
}

/// A form in which a verdict is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum VerdictFormat {
    /// For people
    Text,
    /// kiln's own form (specs/verdict.md)
    Json,
    /// SARIF 2.1.0: GitHub shows it at the spec's lines
    Sarif,
    /// CycloneDX 1.6 with vulnerabilities
    Cyclonedx,
    /// JUnit's XML
    Junit,
    /// GitLab's container scanning report
    Gitlab,
    /// A summary for a job's page
    Markdown,
    /// A page for a browser, in one file
    Html,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Scan {
    /// A layout, an image in a registry, or a bill of materials (CycloneDX or SPDX, JSON)
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// The platform, where the image has several
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// Count what this public key signed as proof of what the policy requires
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The form of the verdict
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    pub format: VerdictFormat,
    /// Write the verdict in a form to a file too, FORM:FILE; may be repeated
    #[arg(long, value_name = "FORM:FILE", value_parser = form_and_file)]
    pub verdict: Vec<(VerdictFormat, PathBuf)>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rescan {
    /// Repositories, which stand for all their tags, or single images by tag or digest
    #[arg(value_name = "REPOSITORY", required = true)]
    pub images: Vec<String>,
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// Count only what this public key signed, bills of materials and verdicts; may be repeated [default: everybody's word]
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// Attach a fresh verdict, signed, where something changed since the last one
    #[arg(long, requires = "key")]
    pub attach: bool,
    /// Sign fresh verdicts with this private key [default: this user's own]
    #[arg(long, value_name = "FILE", env = "KILN_KEY", hide_env_values = true)]
    pub sign_key: Option<PathBuf>,
    /// Send the report to this address where something is new or denied; KILN_WEBHOOK_TOKEN opens it
    #[arg(long, value_name = "URL", env = "KILN_WEBHOOK", hide_env_values = true)]
    pub webhook: Option<String>,
    /// Fail with 5 where anything is new, whatever the policy says
    #[arg(long)]
    pub deny_new: bool,
    /// Do not fail for images without a bill of materials
    #[arg(long)]
    pub allow_unjudged: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Policy {
    /// Hold a team's own cases against its policy (specs/policy-test.md)
    Test {
        /// Files of cases
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t, value_name = "HOW")]
        format: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Db {
    /// Make a database of public feeds: OSV's exports, Debian's tracker, KEV and EPSS
    Update {
        /// Take this feed, an address or a file, instead of the public ones; may be repeated. `oci:REF`, alone, is a
        /// database in a registry
        #[arg(long, value_name = "ADDRESS", env = "KILN_FEEDS", value_delimiter = ',', hide_env_values = true)]
        from: Vec<String>,
        /// Take the public feed of this ecosystem alone, as OSV names it; may be repeated
        #[arg(long, value_name = "NAME")]
        ecosystem: Vec<String>,
        /// The time that the database is of [default: the newest that a feed names]
        #[arg(long, value_name = "TIME")]
        date: Option<String>,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t, value_name = "HOW")]
        format: Format,
    },
    /// Bring a database out of a registry
    Pull {
        /// Where it is
        #[arg(value_name = "REF")]
        reference: crate::oci::Reference,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t, value_name = "HOW")]
        format: Format,
    },
    /// Send a database to a registry
    Push {
        /// Where it goes
        #[arg(value_name = "REF")]
        reference: crate::oci::Reference,
        /// The database [default: the newest of this store]
        #[arg(long, value_name = "DIGEST")]
        db: Option<crate::oci::Digest>,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t, value_name = "HOW")]
        format: Format,
    },
    /// Say what a database holds
    Show {
        /// The database [default: the newest of this store]
        #[arg(long, value_name = "DIGEST")]
        db: Option<crate::oci::Digest>,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t, value_name = "HOW")]
        format: Format,
    },
}

/// `sarif:kiln.sarif`.
pub(in crate::cli) fn form_and_file(text: &str) -> Result<(VerdictFormat, PathBuf), String> {
    let (form, file) = text.split_once(':').filter(|(_, file)| !file.is_empty()).ok_or("write FORM:FILE")?;
    Ok((VerdictFormat::from_str(form, true)?, PathBuf::from(file)))
}
