//! Names of workspaces and environments.

/// Most characters of one.
const LONGEST: usize = 39;

/// A slug and not an id: the two name the same thing, but to Terraform another text is another workspace, and that replaces the topic.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if first && rest && text.len() <= LONGEST {
        return Ok(());
    }
    Err(format!(
        "a slug expected, such as `payments-team`, got `{text}`: a lower-case letter first, then lower-case letters, digits and hyphens, at most {LONGEST}. \
         Orbit's ids do not serve here."
    ))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn slugs_are_told_from_ids_and_other_texts() {
        let longest = "a".repeat(39);
        for slug in ["a", "payments-team", "dev2", longest.as_str()] {
            assert_eq!(check(slug), Ok(()), "{slug}");
        }
        let too_long = "a".repeat(40);
        for text in ["", "wsp_017", "Payments", "2dev", "-a", "a.b", "a b", "ä", too_long.as_str()] {
            assert!(check(text).is_err(), "{text}");
        }
        assert!(check("wsp_017").unwrap_err().contains("ids do not serve"));
    }
}
