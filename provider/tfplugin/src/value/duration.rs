//! Durations as Terraform users write them.

use std::{fmt, str::FromStr, time::Duration};

/// A duration in the form of Go's library, such as `30m` or `1h30m`, which is what timeouts are written in everywhere in
/// Terraform. It keeps the text: what is stored is what the user wrote.
///
/// ```
/// use std::time::Duration;
/// use tfplugin::GoDuration;
/// let wait: GoDuration = "1h30m".parse()?;
/// assert_eq!(wait.get(), Duration::from_mins(90));
/// assert_eq!(wait.to_string(), "1h30m");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration {
    length: Duration,
    text: String,
}

/// Units, and how many nanoseconds each has.
const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9)];

impl GoDuration {
    /// How long it is.
    #[must_use]
    pub const fn get(&self) -> Duration {
        self.length
    }
}

impl FromStr for GoDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("a duration expected, such as `30m`, `90s` or `1h30m`, got `{text}`");
        let mut rest = text;
        let mut nanos = 0.0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let (number, after) = rest.split_at(digits);
            let number: f64 = number.parse().map_err(|_| wrong())?;
            let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let (_, each) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            nanos += number * each;
            rest = after;
        }
        let length = Duration::try_from_secs_f64(nanos / 1e9).map_err(|_| wrong())?;
        Ok(Self { length, text: text.to_owned() })
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

crate::string_attribute!(GoDuration);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_writes_is_read() {
        let seconds = |text: &str| text.parse::<GoDuration>().unwrap().get().as_secs_f64();
        for (text, expected) in [("30m", 1800.0), ("1h30m", 5400.0), ("1.5h", 5400.0), ("90s", 90.0), ("20m0s", 1200.0)]
        {
            assert!((seconds(text) - expected).abs() < 1e-9, "{text}");
        }
        assert!((seconds("250ms") - 0.25).abs() < 1e-9);
        assert_eq!("0s".parse::<GoDuration>().unwrap().get(), Duration::ZERO);
    }

    #[test]
    fn what_is_no_duration_says_what_would_be() {
        for text in ["", "30", "m", "-5m", "1d", "5 m", "1h30", ".", "999999999999999999h"] {
            let e = text.parse::<GoDuration>().unwrap_err();
            assert!(e.contains("such as `30m`"), "{text}: {e}");
        }
    }
}
