//! Go: the modules that the linker writes into programs (`runtime/debug.BuildInfo`), and the toolchain itself.

use super::content::Lines;
use super::elf::{Elf, PF_W, PT_LOAD, bytes_at};
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use regex::Regex;
use std::io::{Read, Seek};

/// What every build information begins with, aligned to 16 bytes.
const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGNMENT: usize = 16;

/// How much of the data is searched for it where no section names it, as Go does; the rest has no limit but the next.
const SEARCHED: u64 = 1 << 20;

/// The longest build information, in bytes. Kubernetes has 30 KiB.
const LONGEST: u64 = 4 << 20;

/// The most modules.
const MOST_MODULES: usize = 50_000;

const WHAT: &str = "build information of a Go program";

/// What stands in the place of a version where there is none.
const NO_VERSIONS: [&str; 2] = ["(devel)", "v0.0.0-00010101000000-000000000000"];

/// Go itself, the program's module, and all that were linked in.
pub(super) fn packages(content: &mut (impl Read + Seek), elf: &Elf) -> Result<Vec<Found>, CatalogError> {
    let Some((go, info)) = build_info(content, elf)? else { return Ok(Vec::new()) };
    let mut packages = Vec::new();
    if let Some(version) = toolchain_version(&go) {
        packages.push(found("stdlib", version));
    }
    packages.extend(modules(&info)?);
    Ok(packages)
}

/// The toolchain by its `VERSION` file, which begins with `go1.22.3`.
pub(super) fn toolchain(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let mut lines = Lines::new(content.take(4096), "VERSION of Go");
    let Some(line) = lines.next()? else { return Ok(Vec::new()) };
    let version = toolchain_version(&String::from_utf8_lossy(line)).map(str::to_owned);
    let found = |version| Found::new(Kind::Binary, Cataloguer::GoToolchain, "go", version);
    Ok(version.map(found).into_iter().collect())
}

fn found(path: &str, version: &str) -> Found {
    Found::new(Kind::Go, Cataloguer::GoBuildInfo, path, version)
}

/// `1.22.3` of `go1.22.3 X:nocoverageredesign`; none for builds between releases.
fn toolchain_version(version: &str) -> Option<&str> {
    let version = version.split_ascii_whitespace().next()?.strip_prefix("go")?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
}

/// The version of Go and the text of the modules, in the form of Go 1.18 and later or in the older one.
fn build_info(content: &mut (impl Read + Seek), elf: &Elf) -> Result<Option<(String, String)>, CatalogError> {
    let writable = || elf.segments.iter().find(|segment| segment.kind == PT_LOAD && segment.flags & PF_W != 0);
    let (part, limit) = match (elf.section(".go.buildinfo"), writable()) {
        (Some(section), _) => (section, LONGEST),
        (None, Some(segment)) => (segment, SEARCHED),
        _ => return Ok(None),
    };
    let data = bytes_at(content, part.offset, part.size.min(limit))?;
    let Some(start) = data.chunks(ALIGNMENT).position(|chunk| chunk.starts_with(MAGIC)) else { return Ok(None) };
    let header = data.get(start * ALIGNMENT..).unwrap_or_default();
    let Some(&[word_size, flags]) = header.get(14..16) else { return Ok(None) };
    let damaged = CatalogError::damaged(WHAT, "its texts are not where it says");
    if flags & 2 != 0 {
        // Both texts follow the header, each behind its length.
        let offset = part.offset + (start * ALIGNMENT) as u64 + 32;
        let available = (part.offset + part.size).saturating_sub(offset).min(LONGEST);
        let texts = bytes_at(content, offset, available)?;
        let (go, rest) = counted(&texts).ok_or_else(&damaged)?;
        let (info, _) = counted(rest).ok_or_else(&damaged)?;
        return Ok(Some((lossy(go), unframed(info))));
    }
    if word_size != if elf.is_64 { 8 } else { 4 } {
        return Err(damaged());
    }
    let pointer = |at: usize| elf.word(header, at).ok_or_else(&damaged);
    let go = text_at(content, elf, pointer(16)?)?.ok_or_else(&damaged)?;
    let info = text_at(content, elf, pointer(16 + usize::from(word_size))?)?.unwrap_or_default();
    Ok(Some((lossy(&go), unframed(&info))))
}

/// A text behind its length, which is a varint, and what follows.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0u64;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        length |= u64::from(byte & 0x7f).checked_shl(7 * i as u32)?;
        if byte & 0x80 == 0 {
            return bytes.get(i + 1..)?.split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}

/// The Go string whose header, a pointer and a length, stands at an address.
fn text_at(content: &mut (impl Read + Seek), elf: &Elf, address: u64) -> Result<Option<Vec<u8>>, CatalogError> {
    let word = if elf.is_64 { 8 } else { 4 };
    let Some((offset, _)) = elf.at_address(address).filter(|(_, available)| *available >= 2 * word) else {
        return Ok(None);
    };
    let header = bytes_at(content, offset, 2 * word)?;
    let (Some(data), Some(length)) = (elf.word(&header, 0), elf.word(&header, word as usize)) else { return Ok(None) };
    let Some((offset, available)) = elf.at_address(data) else { return Ok(None) };
    if length > LONGEST || length > available {
        return Ok(None);
    }
    bytes_at(content, offset, length).map(Some)
}

/// The modules' text without the 16 bytes at either end by which a running program finds it.
fn unframed(info: &[u8]) -> String {
    match info.len().checked_sub(17).and_then(|at| info.get(at)) {
        Some(b'\n') if info.len() >= 33 => lossy(&info[16..info.len() - 16]),
        _ => String::new(),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The modules by their lines: `path` with what was built, `mod` and `dep` with path, version and sum, `=>` for what
/// stands in the place of the module before it, `build` for how it was built.
fn modules(info: &str) -> Result<Vec<Found>, CatalogError> {
    let mut modules: Vec<Found> = Vec::new();
    let (mut main, mut program) = (None, "");
    let mut build = Build::default();
    for line in info.lines() {
        let mut words = line.split('\t');
        let kind = words.next().unwrap_or_default();
        let (path, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match kind {
            "path" => program = path,
            "mod" => {
                main = Some(modules.len());
                modules.push(found(path, version));
            }
            "dep" => modules.push(found(path, version)),
            "=>" => {
                if let Some(replaced) = modules.last_mut() {
                    // What is in a folder goes by the name and version of what it replaces.
                    if !is_folder(path) {
                        *replaced = found(path, version);
                    }
                }
            }
            "build" => build.read(path),
            _ => {}
        }
        if modules.len() > MOST_MODULES {
            return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_MODULES as u64, unit: "modules" });
        }
    }
    if main.is_none() && program.contains('/') {
        // Programs that are built outside of modules name only what was built.
        main = Some(modules.len());
        modules.push(found(program, "(devel)"));
    }
    if let Some(main) = main.and_then(|at| modules.get_mut(at)).filter(|main| main.version == "(devel)") {
        main.version = build.version().unwrap_or_default();
    }
    for module in modules.iter_mut().filter(|module| NO_VERSIONS.contains(&module.version.as_str())) {
        module.version.clear();
    }
    Ok(modules)
}

/// Whether a replacement is a folder of the machine that built, and no module.
fn is_folder(path: &str) -> bool {
    path.starts_with(['.', '/']) || path.is_empty()
}

/// What the settings of a build say about the version of a module that has none.
#[derive(Default)]
struct Build {
    revision: Option<String>,
    time: Option<String>,
    linker_flags: Option<String>,
}

impl Build {
    fn read(&mut self, setting: &str) {
        let Some((key, value)) = setting.split_once('=') else { return };
        let place = match key {
            "vcs.revision" => &mut self.revision,
            "vcs.time" => &mut self.time,
            "-ldflags" => &mut self.linker_flags,
            _ => return,
        };
        *place = Some(unquote(value));
    }

    /// The version that was written into a variable called `version`, else the pseudo-version of the commit.
    fn version(&self) -> Option<String> {
        self.linker_flags.as_deref().and_then(version_in_flags).or_else(|| self.pseudo_version())
    }

    /// `v0.0.0-20240102150405-0123456789ab` (Go modules reference, Pseudo-versions).
    fn pseudo_version(&self) -> Option<String> {
        let (revision, time) = (self.revision.as_deref()?.get(..12)?, self.time.as_deref()?);
        let digits: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
        (digits.len() == 14).then(|| format!("v0.0.0-{digits}-{revision}"))
    }
}

/// A value as it was: Go writes quotes around one that has spaces, and backslashes before those in it.
fn unquote(value: &str) -> String {
    match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.to_owned(),
    }
}

/// `v1.2.3` of `-X main.version=v1.2.3` or `-X 'example.com/app.Version=1.2.3'`.
fn version_in_flags(flags: &str) -> Option<String> {
    let variable = r#"-X[ =]+['"]?[^\s='"]{0,200}[./](?:git)?version"#;
    let value = r#"['"]?(v?[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}[-+.0-9a-z]{0,60})"#;
    let version =
        Regex::new(&format!("(?i){variable}['\"]?={value}")).ok()?.captures(flags)?.get(1)?.as_str().to_owned();
    Some(if version.starts_with('v') { version } else { format!("v{version}") })
}
