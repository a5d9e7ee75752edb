//! A question and a content to what is found in it.

use super::error::CatalogError;
use super::found::Found;
use super::question::Question;
use super::{apk, binary, composer, dotnet, dpkg, gem, go, java, jvm, npm, python, rpm};
use std::io::{Read, Seek};

/// What a content says. `name` is the file's own name without its folder, `size` the content's length in bytes;
/// `content` stands at its beginning.
///
/// What is found is sound: names and versions are short and printable, and licences and suppliers are one line. The
/// order is that of the content.
///
/// # Errors
/// Where a content cannot be read, is damaged, or goes beyond what is read of its kind. A file that is merely none of
/// the kind that its name promises has an empty answer where such files are common.
pub fn answer(
    question: Question,
    name: &[u8],
    content: &mut (impl Read + Seek),
    size: u64,
) -> Result<Vec<Found>, CatalogError> {
    let name = String::from_utf8_lossy(name);
    let found = match question {
        Question::DpkgStatus => dpkg::packages(content)?,
        Question::DpkgFiles => dpkg::files(content, &name)?,
        Question::ApkInstalled => apk::packages(content)?,
        Question::RpmDatabase => rpm::packages(content, size)?,
        Question::RpmManifest => rpm::listed_packages(content)?,
        Question::PythonMetadata => python::package(content)?,
        Question::NpmPackage => npm::package(content)?,
        Question::JavaArchive => java::packages(content, &name)?,
        Question::JvmRelease => jvm::runtime(content)?,
        Question::Gemspec => gem::package(content, &name)?,
        Question::ComposerInstalled => composer::packages(content)?,
        Question::DotnetDeps => dotnet::packages(content)?,
        Question::DotnetRuntime => dotnet::runtimes(content)?,
        Question::GoToolchain => go::toolchain(content)?,
        Question::Elf => binary::packages(content, size, &name)?,
    };
    Ok(found.into_iter().filter_map(Found::sound).collect())
}
