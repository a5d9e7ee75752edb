use super::*;
use std::io::Write;

#[test]
fn every_file_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let empty = total(&[folder.path().to_owned()], None).unwrap();
    let mut file = std::fs::File::create(folder.path().join("f")).unwrap();
    file.write_all(&vec![1; 1 << 20]).unwrap();
    file.sync_all().unwrap();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    std::fs::hard_link(folder.path().join("f"), folder.path().join("d/g")).unwrap();
    std::os::unix::fs::symlink("/", folder.path().join("d/l")).unwrap();
    let full = total(&[folder.path().to_owned()], None).unwrap();
    assert!((1 << 20..(1 << 20) + 65536).contains(&(full - empty)), "{empty} {full}");
}
