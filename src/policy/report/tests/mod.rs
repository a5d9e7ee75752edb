mod fixture;
mod hostile;
mod predicates;
mod structure;

use super::{Form, Report};
use fixture::fixture;

/// A report as text.
fn written(report: &Report<'_>, form: Form) -> String {
    let mut bytes = Vec::new();
    report.write(form, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_rich_verdict_is_told_in_each_form() {
    let fixture = fixture();
    for form in Form::ALL {
        insta::assert_snapshot!(form.name(), written(&fixture.report(), form));
    }
}

#[test]
fn forms_are_read_by_their_names() {
    for form in Form::ALL {
        assert_eq!(form.name().parse(), Ok(form));
    }
    assert_eq!("pdf".parse::<Form>(), Err(()));
}
