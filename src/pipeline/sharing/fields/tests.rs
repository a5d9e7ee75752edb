use super::*;

const FORMS: &[Form] = &[
    Form {
        name: "s3",
        fields: &[
            &[("bucket", Value::Text), ("secret_access_key", Value::Secret)],
            &[("endpoint_url", Value::Address), ("mode", Value::One(&["min", "max"])), ("timeout", Value::Time)],
            &[("use_path_style", Value::Flag), ("upload_parallelism", Value::Number)],
        ],
    },
    Form { name: "local", fields: &[&[("dest", Value::Text)]] },
];

fn mistake(text: &str) -> String {
    match Fields::read(text, FORMS) {
        Ok(fields) => panic!("read as {}", fields.shown()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn fields_are_read_in_any_order_and_in_quotes() {
    let fields = Fields::read(r#"bucket=b,type=s3,"endpoint_url=https://e/?a=1,2",use_path_style=T"#, FORMS).unwrap();
    assert_eq!((fields.kind(), fields.text("bucket"), fields.flag("use_path_style")), ("s3", Some("b"), true));
    assert_eq!(fields.text("endpoint_url"), Some("https://e/?a=1,2"));
    let fields = Fields::read(r#"type=local,"dest=a ""b"", c""#, FORMS).unwrap();
    assert_eq!(fields.text("dest"), Some(r#"a "b", c"#));
    assert_eq!(Fields::read(fields.shown(), FORMS).unwrap().text("dest"), fields.text("dest"));
    let fields = Fields::read("type=s3,timeout=1m30s,upload_parallelism=3,bucket=", FORMS).unwrap();
    assert_eq!((fields.time("timeout"), fields.number("upload_parallelism")), (Some(Duration::from_secs(90)), Some(3)));
    assert_eq!(fields.text("bucket"), None);
}

#[test]
fn what_is_secret_is_not_shown() {
    let text = "type=s3,bucket=b,secret_access_key=hunter2,endpoint_url=https://me:hunter3@e/?sig=hunter4";
    let fields = Fields::read(text, FORMS).unwrap();
    assert_eq!(fields.shown(), "type=s3,bucket=b,secret_access_key=***,endpoint_url=https://***@e/?***");
    assert_eq!(fields.secret("secret_access_key").unwrap().expose_secret(), "hunter2");
}

#[test]
fn mistakes_are_told_without_values() {
    for (text, said) in [
        ("type=s4,bucket=b", "`s4` is no type of a place for results of commands; did you mean `s3`?: it is s3, local"),
        ("bucket=b", "a place has no `type`: it is s3, local"),
        ("type=s3,bukket=hunter2", "`type=s3` has no field `bukket`; did you mean `bucket`?"),
        ("type=s3,hunter2hunter2hunter2hunter2hunter2=hunter2", "`type=s3` has no field `…`"),
        ("type=s3,hunter2", "of the fields of a place one has no `=`: they are NAME=VALUE with commas between them"),
        ("type=s3,mode=hunter2", "the field `mode` of `type=s3` must be one of min, max"),
        ("type=s3,use_path_style=hunter2", "the field `use_path_style` of `type=s3` must be `true` or `false`"),
        ("type=s3,upload_parallelism=hunter2", "the field `upload_parallelism` of `type=s3` must be a whole number"),
        ("type=s3,timeout=hunter2", "the field `timeout` of `type=s3` must be a time such as `10m` or `90s`"),
        ("type=s3,timeout=-5m", "the field `timeout` of `type=s3` must be a time such as `10m` or `90s`"),
        ("type=s3,bucket=hunter2,bucket=hunter3", "the field `bucket` of `type=s3` is said twice"),
        (r#"type=s3,bucket="hunter2""#, "a quote stands inside of a field"),
        (r#"type=s3,"bucket=hunter2"#, "a field begins with a quote and does not end with one before the next comma"),
        (r#"type=s3,"bucket=hunter2"x"#, "a field begins with a quote and does not end with one before the next comma"),
    ] {
        let told = mistake(text);
        assert!(told.starts_with(said) && !told.contains("hunter"), "{text}: {told}");
    }
}

proptest::proptest! {
    #[test]
    fn no_line_makes_it_panic(text in "[ -~\"=,é]{0,60}") {
        let _ = Fields::read(&text, FORMS);
    }
}
