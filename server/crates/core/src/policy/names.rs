//! Whether any name fits several patterns at once: decided on their automata, not by trying.

use super::rulebook::Pattern;
use crate::name::{KAFKA_TOPIC_NAME_MAX, TopicName};
use regex_automata::{
    Anchored,
    dfa::{Automaton, dense},
    util::{primitives::StateID, start},
};
use std::collections::{HashSet, VecDeque};

/// Most steps of an automaton that are taken: what is not decided by then is taken to fit. A tenth of a second at the worst.
const STEPS: usize = 1_000_000;
/// Largest automaton of one pattern, in bytes.
const AUTOMATON: usize = 512 << 10;
/// Most patterns that are looked at together.
const PATTERNS: usize = 50;

/// Whether no legal topic name fits all of the patterns. False where that cannot be told within reasonable effort.
#[must_use]
pub fn none_fits(patterns: &[&Pattern]) -> bool {
    if patterns.is_empty() || patterns.len() > PATTERNS {
        return false;
    }
    let automata: Option<Vec<_>> = patterns.iter().map(|pattern| automaton(pattern)).collect();
    automata.is_some_and(|automata| search(&automata) == Found::Nothing)
}

fn automaton(pattern: &Pattern) -> Option<dense::DFA<Vec<u32>>> {
    let config = dense::Config::new().dfa_size_limit(Some(AUTOMATON)).determinize_size_limit(Some(AUTOMATON));
    dense::Builder::new().configure(config).build(&format!("^(?:{pattern})$")).ok()
}

fn letters() -> impl Iterator<Item = u8> {
    (b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').chain(*b"._-")
}

#[derive(Debug, PartialEq)]
enum Found {
    AName,
    Nothing,
    CannotTell,
}

/// Whether there is a name that all accept, the shortest first.
fn search(automata: &[dense::DFA<Vec<u32>>]) -> Found {
    let anchored = start::Config::new().anchored(Anchored::Yes);
    let start: Option<Vec<StateID>> = automata.iter().map(|a| a.start_state(&anchored).ok()).collect();
    let Some(start) = start else { return Found::CannotTell };
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start, String::new())]);
    let (mut illegal, mut steps) = (false, 0);
    while let Some((states, name)) = queue.pop_front() {
        let accepted = automata.iter().zip(&states).all(|(a, s)| a.is_match_state(a.next_eoi_state(*s)));
        if accepted {
            if name.parse::<TopicName>().is_ok() {
                return Found::AName;
            }
            illegal = true;
        }
        if name.len() >= KAFKA_TOPIC_NAME_MAX {
            continue;
        }
        for letter in letters() {
            let next: Vec<_> = automata.iter().zip(&states).map(|(a, s)| a.next_state(*s, letter)).collect();
            let dead = automata.iter().zip(&next).any(|(a, s)| a.is_dead_state(*s));
            if !dead && seen.insert(next.clone()) {
                queue.push_back((next, format!("{name}{}", char::from(letter))));
            }
        }
        steps += letters().count() * automata.len();
        if steps > STEPS {
            return Found::CannotTell;
        }
    }
    // Each state was reached by its shortest name only: where that was no legal one, such as `..`, a longer one may be.
    if illegal { Found::CannotTell } else { Found::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(patterns: &[&str]) -> bool {
        let patterns: Vec<Pattern> = patterns.iter().map(|p| p.parse().unwrap()).collect();
        none_fits(&patterns.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_fits_is_found() {
        assert!(!none(&[]) && !none(&[".*"]) && !none(&["a"]));
        assert!(!none(&["[a-z]+\\.v[0-9]+", ".*7"]));
        assert!(!none(&["(a|b){3}", "b.*", ".*a"]));
    }

    #[test]
    fn what_cannot_fit_is_told() {
        assert!(none(&["[a-z]+", "[0-9]+"]));
        assert!(none(&["a b"]), "no name has a blank");
        assert!(none(&["a", "b"]) && none(&["x*y", "[a-x]*"]));
        assert!(none(&["a{250}"]), "it would be too long");
        assert!(none(&["[^a-zA-Z0-9._-]+"]));
    }

    #[test]
    fn what_is_too_much_to_look_at_is_let_be() {
        assert!(!none(&["[a-z]{0,100}x[a-z]{100}"]));
        assert!(!none(&["\\.*"]) && !none(&["__.*"]), "the shortest that fits is no legal name");
    }
}
