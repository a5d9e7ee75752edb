//! Where results of commands come from and go to, as users say it.

use super::super::error::Error;
use super::super::place::{self, Place};
use super::fields::{Fields, Form, Value, usage};
use super::shelf::{Clock, Shelf};
use super::{PlaceDefaults, azure, github, s3};
use crate::http::Client;
use crate::oci::{Digest, Reference};
use std::path::PathBuf;
use std::time::Duration;

/// A place that was asked for.
pub(super) struct Asked {
    /// As it is told, without anything secret.
    pub shown: String,
    pub kind: Kind,
    /// Whether the build goes on where it cannot be written to.
    pub ignore_error: bool,
    /// How long the work with it may take.
    pub timeout: Option<Duration>,
}

/// What kind of place it is.
pub(super) enum Kind {
    /// An OCI layout, with the digest of the list where that is said.
    Layout(PathBuf, Option<Digest>),
    /// A repository, with tag or digest, and whether it is spoken to without TLS.
    Registry(Reference, bool),
    /// Beside the image, wherever that goes.
    Inline,
    /// What keeps contents by name.
    Service(Service),
}

/// What keeps contents by name.
pub(super) enum Service {
    S3(s3::Bucket),
    Azure(azure::Container),
    Github(github::Cache),
}

/// What is done with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    From,
    To,
}

const FLAG: Value = Value::Flag;
const TEXT: Value = Value::Text;

/// What every form of BuildKit's may have.
const ALL: &[(&str, Value)] = &[
    ("mode", Value::One(&["min", "max"])),
    ("ignore-error", FLAG),
    ("timeout", Value::Time),
    ("compression", Value::One(&["uncompressed", "gzip", "estargz", "zstd"])),
    ("compression-level", Value::Number),
    ("force-compression", FLAG),
    ("oci-mediatypes", FLAG),
    ("image-manifest", FLAG),
];

/// What those of stores of objects have.
const OBJECTS: &[(&str, Value)] = &[
    ("name", TEXT),
    ("prefix", TEXT),
    ("blobs_prefix", TEXT),
    ("manifests_prefix", TEXT),
    ("upload_parallelism", Value::Number),
    ("secret_access_key", Value::Secret),
];

const FORMS: &[Form] = &[
    Form { name: "local", fields: &[ALL, &[("src", TEXT), ("dest", TEXT), ("digest", TEXT), ("tag", TEXT)]] },
    Form { name: "registry", fields: &[ALL, &[("ref", TEXT), ("registry.insecure", FLAG)]] },
    Form { name: "inline", fields: &[ALL] },
    Form { name: "s3", fields: &[ALL, OBJECTS, s3::FIELDS] },
    Form { name: "azblob", fields: &[ALL, OBJECTS, azure::FIELDS] },
    Form { name: "gha", fields: &[ALL, github::FIELDS] },
];

impl Asked {
    /// Reads what the user wrote: kiln's own words, or those of BuildKit.
    pub fn read(text: &str, way: Way, defaults: &PlaceDefaults) -> Result<Asked, Error> {
        let asked = match is_line(text) {
            true => of_fields(&Fields::read(text, FORMS)?, way, defaults)?,
            false => {
                let kind = of_place(Place::parse(own(text)?)?, false);
                Asked { shown: text.to_owned(), kind, ignore_error: false, timeout: None }
            }
        };
        match &asked.kind {
            Kind::Registry(reference, _) if way == Way::To && reference.digest.is_some() => {
                Err(usage(format!("{} names a digest, and results go to a tag", asked.shown)))
            }
            Kind::Inline if way == Way::From => {
                Err(usage("results that went with an image are found where it is: write `type=registry,ref=IMAGE`"))
            }
            _ => Ok(asked),
        }
    }
}

impl Service {
    /// The shelf that it is.
    pub fn shelf(&self, client: Client, clock: Clock) -> Box<dyn Shelf> {
        match self {
            Service::S3(bucket) => bucket.shelf(client, clock),
            Service::Azure(container) => container.shelf(client, clock),
            Service::Github(cache) => cache.shelf(client, clock),
        }
    }
}

/// Whether a text is of the form NAME=VALUE, with or without more of them.
fn is_line(text: &str) -> bool {
    let name = text.trim_start_matches('"').split('=').next().unwrap_or_default();
    text.contains('=') && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// One of kiln's own words.
fn own(text: &str) -> Result<&str, Error> {
    match text.starts_with("oci:") || place::names_host(text) {
        true => Ok(text),
        false => Err(usage(format!(
            "`{text}` is no place for results of commands: write `oci:DIR` for a folder, an image reference such as \
             registry.example.com/acme/hello:results, or a place in BuildKit's words, such as `type=gha`"
        ))),
    }
}

fn of_place(place: Place, plain: bool) -> Kind {
    match place {
        Place::Layout(path) => Kind::Layout(path, None),
        Place::Registry(reference) => Kind::Registry(place::with_tag(reference), plain),
    }
}

fn of_fields(fields: &Fields, way: Way, defaults: &PlaceDefaults) -> Result<Asked, Error> {
    let kind = match fields.kind() {
        "local" => {
            let name = if way == Way::From { "src" } else { "dest" };
            let path = fields.text(name).ok_or_else(|| fields.missing(name, None))?;
            let digest = fields.text("digest").map(str::parse::<Digest>).transpose();
            let digest =
                digest.map_err(|_| usage("the field `digest` of `type=local` must be one such as sha256:…"))?;
            Kind::Layout(path.into(), digest.filter(|_| way == Way::From))
        }
        "registry" => {
            let reference = fields.text("ref").ok_or_else(|| fields.missing("ref", None))?;
            of_place(Place::parse(&format!("docker://{reference}"))?, fields.flag("registry.insecure"))
        }
        "inline" => Kind::Inline,
        "s3" => Kind::Service(Service::S3(s3::Bucket::read(fields, defaults)?)),
        "azblob" => Kind::Service(Service::Azure(azure::Container::read(fields, defaults)?)),
        _ => Kind::Service(Service::Github(github::Cache::read(fields, defaults)?)),
    };
    Ok(Asked {
        shown: fields.shown().to_owned(),
        kind,
        ignore_error: fields.flag("ignore-error"),
        timeout: fields.time("timeout"),
    })
}

#[cfg(test)]
mod tests;
