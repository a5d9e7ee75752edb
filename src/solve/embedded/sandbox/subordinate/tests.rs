use super::*;

#[test]
fn a_range_stands_under_the_name_or_the_number() {
    let range = |text: &str| range(text, 1000, Some("ann")).map(|r| (r.first, r.count));
    assert_eq!(range("bob:100000:65536\nann:165536:65536\n"), Some((165_536, 65_536)));
    assert_eq!(range("1000:5:7\n"), Some((5, 7)));
    assert_eq!(range("ann:1:10\nann:100:1000\n1000:5000:1000\n"), Some((100, 1000)));
    for none in ["", "ann:1:0\n", "ann:x:10\n", "ann:1\n", "anna:1:10\n", "10000:1:10\n", "ann:1:99999999999\n"] {
        assert_eq!(range(none), None, "{none}");
    }
}

#[test]
fn a_name_is_found_by_its_number() {
    let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbroken\n";
    assert_eq!(user_name(passwd, 1000).as_deref(), Some("ann"));
    assert_eq!(user_name(passwd, 1), None);
}
