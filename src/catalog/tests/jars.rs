//! What Java archives say.

use super::samples::{MANIFEST, POM_PROPERTIES, POM_XML, war};
use super::{ask, purls};
use crate::catalog::fixtures::zip::{stored, zip};
use crate::catalog::{CatalogError, Question};

#[test]
fn shaded_jars_are_several_packages() {
    assert_eq!(
        purls(Question::JavaArchive, "app.war", &war()),
        [
            "pkg:maven/app/app",
            "pkg:maven/com.example/shaded@2.0",
            "pkg:maven/org.apache.commons/commons-lang3@3.12.0",
            "pkg:maven/org.example/child@1.1",
        ]
    );
    let found = ask(Question::JavaArchive, "app.war", &war()).unwrap();
    let lang = found.iter().find(|found| found.name == "commons-lang3").unwrap();
    let properties = "META-INF/maven/org.apache.commons/commons-lang3/pom.properties";
    assert_eq!(lang.inside, ["WEB-INF/lib/shaded-2.0.jar", properties]);
    let child = found.iter().find(|found| found.name == "child").unwrap();
    assert_eq!(child.licence.as_deref(), Some("Apache-2.0"));
}

#[test]
fn a_jar_with_one_artefact_is_that_whatever_it_is_called() {
    let path = "META-INF/maven/org.apache.commons/commons-lang3/pom.properties";
    let jar = zip(&[("META-INF/MANIFEST.MF", MANIFEST), (path, POM_PROPERTIES)]);
    let lang = ["pkg:maven/org.apache.commons/commons-lang3@3.12.0"];
    assert_eq!(purls(Question::JavaArchive, "lib.jar", &jar), lang);
    assert_eq!(purls(Question::JavaArchive, "commons-lang3-3.12.0.jar", &jar), lang);
    assert_eq!(purls(Question::JavaArchive, "renamed-3.12.0-all.jar", &jar), lang);
    let both = ["pkg:maven/com.example.shaded/other@1.0", lang[0]];
    assert_eq!(purls(Question::JavaArchive, "other-1.0.jar", &jar), both, "the artefact is inside of another");
}

#[test]
fn a_name_may_have_digits_as_a_version_has() {
    let api = b"groupId=org.apache.logging.log4j\nartifactId=log4j-1.2-api\nversion=2.19.0\n";
    let manifest = b"Implementation-Version: 2.19.0\nImplementation-Vendor-Id: org.apache\n";
    let path = "META-INF/maven/org.apache.logging.log4j/log4j-1.2-api/pom.properties";
    let jar = zip(&[("META-INF/MANIFEST.MF", manifest), (path, api)]);
    for name in ["log4j-1.2-api.jar", "log4j-1.2-api-2.19.0.jar"] {
        let api = ["pkg:maven/org.apache.logging.log4j/log4j-1.2-api@2.19.0"];
        assert_eq!(purls(Question::JavaArchive, name, &jar), api, "{name}: no word of log4j 1.2");
    }
}

#[test]
fn well_known_artefacts_have_their_groups() {
    let manifest = b"Automatic-Module-Name: spring.core\nBundle-SymbolicName: org.objenesis\n";
    let jar = zip(&[("META-INF/MANIFEST.MF", manifest)]);
    let cases = [
        ("spring-core-5.3.20.jar", "pkg:maven/org.springframework/spring-core@5.3.20"),
        ("spring-boot-2.7.0.jar", "pkg:maven/org.springframework.boot/spring-boot@2.7.0"),
        ("groovy-3.0.9.jar", "pkg:maven/org.codehaus.groovy/groovy@3.0.9"),
        ("groovy-4.0.1.jar", "pkg:maven/org.apache.groovy/groovy@4.0.1"),
        ("tomcat-embed-core-9.0.60.jar", "pkg:maven/org.apache.tomcat.embed/tomcat-embed-core@9.0.60"),
        ("objenesis-3.3.jar", "pkg:maven/org.objenesis/objenesis@3.3"),
        ("asm-tree-9.8.jar", "pkg:maven/org.ow2.asm/asm-tree@9.8"),
        ("xml-apis-ext-1.4.01.jar", "pkg:maven/xml-apis/xml-apis-ext@1.4.01"),
    ];
    for (name, purl) in cases {
        assert_eq!(purls(Question::JavaArchive, name, &jar), [purl]);
    }
}

#[test]
fn without_maven_the_name_and_the_manifest_speak() {
    let bare = zip(&[("A.class", b"")]);
    let named = [
        ("guava-31.1-jre.jar", "pkg:maven/guava/guava@31.1-jre"),
        ("my-http2-server-5.jar", "pkg:maven/my-http2-server/my-http2-server@5"),
        ("ironman-r4-2009.jar", "pkg:maven/ironman/ironman@r4-2009"),
        ("jetpack-build235-rc5.jar", "pkg:maven/jetpack/jetpack@build235-rc5"),
        ("org.eclipse.osgi_3.18.0.v2022.jar", "pkg:maven/org.eclipse.osgi/org.eclipse.osgi@3.18.0.v2022"),
    ];
    for (name, purl) in named {
        assert_eq!(purls(Question::JavaArchive, name, &bare), [purl]);
    }
    assert_eq!(ask(Question::JavaArchive, "plain.jar", &bare).unwrap(), [], "nobody knows what it is");
    let with_manifest = zip(&[("META-INF/MANIFEST.MF", MANIFEST)]);
    assert_eq!(purls(Question::JavaArchive, "shaded.jar", &with_manifest), ["pkg:maven/com.example/shaded@2.0"]);
    let unknown = zip(&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\nImplementation-Version: ${v}\n")]);
    assert_eq!(purls(Question::JavaArchive, "plain.jar", &unknown), ["pkg:maven/plain/plain"]);
}

#[test]
fn projects_that_need_their_parents_are_not_guessed() {
    let path = "META-INF/maven/a/a/pom.xml";
    let versions = |version: &str| {
        let xml = format!("<project><groupId>a</groupId><artifactId>a</artifactId>{version}</project>");
        ask(Question::JavaArchive, "x.jar", &zip(&[(path, xml.as_bytes())])).unwrap().len()
    };
    assert_eq!(versions("<version>1</version>"), 1);
    assert_eq!(versions("<version>${revision}</version>"), 0);
    assert_eq!(versions("<version>${a}</version><properties><a>${b}</a><b>${a}</b></properties>"), 0, "a circle");
    assert_eq!(versions("<version>${a}</version><properties><a>${a}${a}</a></properties>"), 0, "a bomb");
    assert_eq!(versions(""), 0);
    assert_eq!(versions("<version>1"), 0, "no XML");
}

#[test]
fn pom_xml_may_not_be_deep() {
    let xml = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let jar = zip(&[("META-INF/maven/a/a/pom.xml", xml.as_bytes()), ("META-INF/maven/b/b/pom.xml", POM_XML)]);
    assert_eq!(purls(Question::JavaArchive, "x.jar", &jar), ["pkg:maven/org.example/child@1.1"]);
}

#[test]
fn archives_in_archives_have_an_end() {
    let mut jar = zip(&[("A.class", b"")]);
    for _ in 0..1000 {
        jar = stored(&[("a-1.jar", &jar)]);
    }
    let error = ask(Question::JavaArchive, "a.jar", &jar).unwrap_err();
    assert!(matches!(error, CatalogError::TooMuch { limit: 6, .. }), "{error}");
}

#[test]
fn what_only_calls_itself_an_archive_is_passed_over_inside() {
    let jar = zip(&[("lib/broken.jar", b"no zip"), ("lib/good-1.jar", &zip(&[("A.class", b"")]))]);
    assert_eq!(purls(Question::JavaArchive, "x.jar", &jar), ["pkg:maven/good/good@1"]);
    let error = ask(Question::JavaArchive, "x.jar", b"no zip").unwrap_err();
    assert!(matches!(error, CatalogError::Damaged { .. }), "{error}");
}

#[test]
fn jars_are_no_bombs() {
    let zeros = vec![0; (256 << 20) + 1];
    let error = ask(Question::JavaArchive, "x.jar", &zip(&[("a.jar", &zeros)])).unwrap_err();
    assert!(error.to_string().contains("bytes of archives in it"), "{error}");
    let error = ask(Question::JavaArchive, "x.jar", &zip(&[("META-INF/MANIFEST.MF", &zeros[..8 << 20])])).unwrap_err();
    assert!(error.to_string().contains("bytes in its metadata"), "{error}");
}

#[test]
fn long_names_take_no_time() {
    let bare = zip(&[("A.class", b"")]);
    let long = format!("a{}.jar", "-x".repeat(30_000));
    let longer = format!("{}/a-1.jar", "x".repeat(60_000));
    let jar = zip(&[(&*long, &bare), (&*longer, &bare), ("b-1.jar", &bare)]);
    assert_eq!(purls(Question::JavaArchive, "x.jar", &jar), ["pkg:maven/b/b@1"]);
    assert_eq!(ask(Question::JavaArchive, &long, &bare).unwrap(), []);
}

#[test]
fn lists_of_entries_have_an_end() {
    // Central directory headers alone, with names as long as such a list needs.
    let count = 60_000u16;
    let mut jar = Vec::new();
    for i in 0..count {
        let mut header = vec![0; 46];
        header[..4].copy_from_slice(b"PK\x01\x02");
        header[28..30].copy_from_slice(&600u16.to_le_bytes());
        jar.extend(header);
        jar.extend(format!("{i:0600}").into_bytes());
    }
    let length = jar.len() as u32;
    jar.extend(b"PK\x05\x06\0\0\0\0");
    jar.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    jar.extend([length.to_le_bytes(), 0u32.to_le_bytes()].concat());
    jar.extend([0, 0]);
    let error = ask(Question::JavaArchive, "x.jar", &jar).unwrap_err();
    assert!(error.to_string().contains("bytes in its list of files"), "{error}");
}
