use super::*;

#[test]
fn one_id_is_root_inside() {
    let ids = Ids::single();
    let own = rustix::process::geteuid().as_raw();
    assert_eq!(text(&ids.users), format!("0 {own} 1\n"));
    assert_eq!((ids.owners(), ids.name().as_str()), (Owners::Single, "single"));
}

#[test]
fn all_ids_are_those_of_this_namespace() {
    let ids = Ids::all();
    assert!(ids.users.iter().all(|range| range.inside == range.outside && range.count > 0));
    assert_eq!(ids.users.first().map(|range| range.inside), Some(0));
}
