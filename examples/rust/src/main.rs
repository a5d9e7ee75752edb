//! Adds up the numbers in each line of standard input.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sums: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for (number, line) in input.lines().enumerate() {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {what}", number + 1));
        writeln!(output, "{}", sum(&line?).map_err(|what| wrong(&what))?)?;
    }
    output.flush()
}

/// The sum of the whole numbers in a line.
fn sum(line: &str) -> Result<i64, String> {
    line.split_whitespace().try_fold(0i64, |sum, word| {
        let number = word.parse::<i64>().map_err(|error| format!("`{word}`: {error}"))?;
        sum.checked_add(number).ok_or_else(|| "the sum is too large".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added() {
        assert_eq!(sum(""), Ok(0));
        assert_eq!(sum(" 1 -2  40 "), Ok(39));
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused() {
        assert!(sum("1 two").unwrap_err().contains("`two`"));
        assert_eq!(sum(&format!("{} 1", i64::MAX)), Err("the sum is too large".to_owned()));
    }

    #[test]
    fn each_line_has_its_sum() {
        let mut output = Vec::new();
        run("1 2\n\n3".as_bytes(), &mut output).unwrap();
        assert_eq!(output, b"3\n0\n3\n");
        assert!(run("1\nx".as_bytes(), io::sink()).unwrap_err().to_string().starts_with("line 2: "));
    }
}
