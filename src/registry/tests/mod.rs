mod faults;
mod images;
mod lists;
mod memory;
mod tag_lists;
mod tags;
mod uploads;

use super::*;
use crate::http::fixtures::settings;
use crate::oci::{Descriptor, Digest, Index, Manifest, Platform, media_type, to_json};
use crate::store::Store;
use std::collections::BTreeMap;
use std::io::Write;

/// Content that is to be pushed.
#[derive(Default, Clone)]
struct Shelf(BTreeMap<Digest, Vec<u8>>);

impl Shelf {
    fn put(&mut self, media_type: &str, content: impl Into<Vec<u8>>) -> Descriptor {
        let content = content.into();
        let descriptor = Descriptor::of(media_type, &content);
        self.0.insert(descriptor.digest, content);
        descriptor
    }

    /// An image of one platform with these layers.
    fn image(&mut self, platform: Platform, layers: &[&[u8]]) -> Descriptor {
        let config = serde_json::json!({
            "os": platform.os, "architecture": platform.architecture,
            "rootfs": { "type": "layers", "diff_ids": layers.iter().map(Digest::of).collect::<Vec<_>>() },
        });
        let config = self.put(media_type::CONFIG, config.to_string());
        let layers = layers.iter().map(|layer| self.put(media_type::LAYER, *layer)).collect();
        let mut row = self.put(media_type::MANIFEST, to_json(&Manifest::image(config, layers)));
        row.platform = Some(platform);
        row
    }

    fn index(&mut self, rows: Vec<Descriptor>) -> Descriptor {
        self.put(media_type::INDEX, to_json(&Index::new(rows)))
    }

    /// Something about an image.
    fn referrer(&mut self, subject: &Descriptor, text: &str) -> Descriptor {
        self.put(media_type::EMPTY, "{}");
        let layer = self.put("text/plain", text);
        let mut manifest = Manifest::artifact("application/vnd.test", layer);
        manifest.subject = Some(Descriptor::new(&subject.media_type, subject.digest, subject.size));
        manifest.annotations = BTreeMap::from([("text".into(), text.into())]);
        let row = self.put(media_type::MANIFEST, to_json(&manifest));
        manifest.referrer(&row)
    }

    fn document(&self, row: &Descriptor) -> Document {
        let descriptor = Descriptor::new(&row.media_type, row.digest, row.size);
        Document { descriptor, bytes: self.0[&row.digest].clone() }
    }
}

impl Contents for Shelf {
    fn open(&self, digest: &Digest) -> std::io::Result<Part> {
        let content = self.0.get(digest).ok_or(std::io::ErrorKind::NotFound)?;
        let mut file = tempfile::tempfile()?;
        file.write_all(b"before")?;
        file.write_all(content)?;
        Ok(Part { file: file.into(), at: 6, size: content.len() as u64 })
    }
}

/// A store of its own.
struct Place(Store, #[expect(dead_code, reason = "lives as long as the store")] tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Place(Store::open(folder.path()).unwrap(), folder)
    }
}

fn outgoing(image: &Descriptor, referrers: &[&Descriptor]) -> Outgoing {
    Outgoing { image: image.clone(), referrers: referrers.iter().map(|row| (*row).clone()).collect() }
}

fn tiny() -> (Shelf, Descriptor) {
    let mut shelf = Shelf::default();
    let image = shelf.image(Platform::linux("amd64", None), &[b"layer one", b"layer two"]);
    (shelf, image)
}

fn by_digest(row: &Descriptor) -> Name {
    Name::Digest(row.digest)
}

const ALL: Want<'static> = Want { platform: None, layers: true, referrers: true, anew: false };

/// Counts what it is told.
#[derive(Default)]
struct Counted(std::sync::atomic::AtomicU64, std::sync::atomic::AtomicU64);

impl Progress for Counted {
    fn expect(&self, bytes: u64) {
        self.0.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    }
    fn advance(&self, bytes: u64) {
        self.1.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    }
}

fn client(repository: &str, server: std::net::SocketAddr) -> Repository {
    client_with(settings(), repository, server)
}

fn client_with(http: crate::http::Settings, repository: &str, server: std::net::SocketAddr) -> Repository {
    let settings = Settings { http, ..Settings::default() };
    Registries::new(settings).unwrap().repository(&format!("{server}/{repository}").parse().unwrap()).unwrap()
}
