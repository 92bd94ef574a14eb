//! Numbers as Terraform has them: exact, of any size.

use std::{cmp::Ordering, fmt, str::FromStr};

/// An exact decimal number. Whole numbers of 64 bits are kept as such, all others as digits and a power of ten.
///
/// ```
/// use tfplugin::Number;
/// let n: Number = "340282366920938463463374607431768211456.5".parse()?;
/// assert_eq!(n.to_string(), "340282366920938463463374607431768211456.5");
/// assert_eq!("1.50".parse::<Number>()?, Number::from(1.5));
/// # Ok::<(), tfplugin::NumberError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Repr);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Repr {
    Whole(i64),
    Decimal(Box<Decimal>),
}

/// `±digits × 10^exponent`. Digits neither start nor end with a zero, so that equal numbers are equal here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i32,
}

/// The text is not a number that Terraform could hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a decimal number")]
pub struct NumberError(String);

/// Far beyond what Terraform's 512 bits can tell apart, and small enough to be printed.
const MAX_EXPONENT: i32 = 10_000;

impl Number {
    /// The number, if it is whole and fits.
    #[must_use]
    pub fn as_i128(&self) -> Option<i128> {
        match &self.0 {
            Repr::Whole(n) => Some(i128::from(*n)),
            Repr::Decimal(d) if d.exponent >= 0 => self.to_string().parse().ok(),
            Repr::Decimal(_) => None,
        }
    }

    /// The nearest float.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The float's exact value, bit by bit: what a float on the wire means. [`Number::from`] takes the shortest
    /// decimal instead, which is what a person means by `0.1`.
    pub(crate) fn from_wire(float: f64) -> Option<Self> {
        // 1074 decimals are enough for the smallest float there is.
        float.is_finite().then(|| format!("{float:.1074}").parse().ok())?
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Whole(n) => Some(n),
            Repr::Decimal(_) => None,
        }
    }

    fn sign(&self) -> i8 {
        match &self.0 {
            Repr::Whole(n) => i8::try_from(n.signum()).unwrap_or(0),
            Repr::Decimal(d) if d.negative => -1,
            Repr::Decimal(_) => 1,
        }
    }

    /// Digits without surrounding zeros and the power of ten that the first digit stands at.
    fn magnitude(&self) -> (String, i64) {
        let (digits, exponent) = match &self.0 {
            Repr::Whole(n) => (n.unsigned_abs().to_string(), 0),
            Repr::Decimal(d) => (d.digits.clone(), d.exponent),
        };
        let top = i64::try_from(digits.len()).unwrap_or(i64::MAX).saturating_add(i64::from(exponent));
        (digits.trim_end_matches('0').to_owned(), top)
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Whole(a), Repr::Whole(b)) = (&self.0, &other.0) {
            return a.cmp(b);
        }
        let sign = self.sign();
        sign.cmp(&other.sign()).then_with(|| {
            let ((a, a_top), (b, b_top)) = (self.magnitude(), other.magnitude());
            let by_size = a_top.cmp(&b_top).then_with(|| a.cmp(&b));
            if sign < 0 { by_size.reverse() } else { by_size }
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let wrong = || NumberError(text.to_owned());
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| wrong())?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let scale = i32::try_from(fraction.len()).map_err(|_| wrong())?;
        let leading = digits.trim_start_matches('0');
        let digits = leading.trim_end_matches('0');
        if digits.is_empty() {
            return Ok(Self(Repr::Whole(0)));
        }
        let zeros = i32::try_from(leading.len() - digits.len()).map_err(|_| wrong())?;
        let exponent = exponent.checked_sub(scale).and_then(|e| e.checked_add(zeros)).ok_or_else(wrong)?;
        if exponent.unsigned_abs() > MAX_EXPONENT.unsigned_abs() {
            return Err(wrong());
        }
        let decimal = Decimal { negative, digits: digits.to_owned(), exponent };
        // i64 has 19 digits: do not print thousands of zeros to learn that a number does not fit.
        if (0..20).contains(&exponent)
            && let Ok(whole) = decimal.to_string().parse()
        {
            return Ok(Self(Repr::Whole(whole)));
        }
        Ok(Self(Repr::Decimal(Box::new(decimal))))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let Ok(decimals) = usize::try_from(-i64::from(self.exponent)) else {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return write!(f, "{}{}", self.digits, "0".repeat(zeros));
        };
        match self.digits.len().checked_sub(decimals) {
            _ if decimals == 0 => f.write_str(&self.digits),
            Some(point) if point > 0 => write!(f, "{}.{}", &self.digits[..point], &self.digits[point..]),
            _ => write!(f, "0.{}{}", "0".repeat(decimals - self.digits.len()), self.digits),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Whole(n) => write!(f, "{n}"),
            Repr::Decimal(d) => write!(f, "{d}"),
        }
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(Repr::Whole(n))
    }
}

impl From<i128> for Number {
    fn from(n: i128) -> Self {
        n.to_string().parse().expect("a whole number prints as a decimal number")
    }
}

impl From<f64> for Number {
    /// The shortest decimal that reads back as this float. Infinities and NaN, which Terraform lacks, become zero.
    fn from(n: f64) -> Self {
        n.to_string().parse().unwrap_or(Self(Repr::Whole(0)))
    }
}
