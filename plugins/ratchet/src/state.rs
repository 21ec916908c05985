//! What a plugin hands to its successor at a reload, with a number in front that says which layout it has.

use medley_plugin::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// For `Plugin::save`. `layout` is to be another number whenever `S` changes its fields.
pub fn save<S: Serialize>(layout: u8, state: &S) -> Vec<u8> {
    // Maps and numbers cannot fail; an empty state is begun anew.
    postcard::to_extend(state, vec![layout]).unwrap_or_default()
}

/// For `Plugin::restore`. A state of another layout is let go: it is a cache, and what must last is in the store.
pub fn restore<S: DeserializeOwned + Default>(layout: u8, state: &[u8]) -> Result<S, Refusal> {
    match state.split_first() {
        Some((found, rest)) if *found == layout => postcard::from_bytes(rest)
            .map_err(|error| Refusal(format!("the saved state cannot be read: {error}"))),
        _ => Ok(S::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_back_another_layout_begins_anew_and_a_damaged_one_is_refused() {
        let saved = save(1, &vec![1u32, 2, 300]);
        assert_eq!(restore::<Vec<u32>>(1, &saved), Ok(vec![1, 2, 300]));
        assert_eq!(restore::<Vec<u32>>(2, &saved), Ok(Vec::new()));
        assert_eq!(restore::<Vec<u32>>(1, &[]), Ok(Vec::new()));
        assert!(restore::<Vec<u32>>(1, &saved[..2]).is_err());
    }
}
