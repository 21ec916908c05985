//! The hundred wide ladder columns of an account, as public tools of the game's community name them (horizon-uya-bot). Columns that
//! no source names are left alone.

/// A column that only grows, with its name.
#[derive(Clone, Copy)]
pub struct Count {
    /// Which column.
    pub column: usize,
    /// What it counts.
    pub name: &'static str,
}

const fn count(column: usize, name: &'static str) -> Count {
    Count { column, name }
}

/// Columns of totals.
pub const TOTALS: [Count; 8] = [
    count(2, "wins"),
    count(3, "losses"),
    count(5, "kills"),
    count(6, "deaths"),
    count(7, "suicides"),
    count(9, "base damage"),
    count(10, "nodes"),
    count(11, "games"),
];

/// Columns of each mode's games, wins and losses; with the totals, what a match adds to.
pub const BY_MODE: [Count; 9] = [
    count(38, "Siege wins"),
    count(39, "Siege losses"),
    count(46, "Siege games"),
    count(47, "Deathmatch wins"),
    count(48, "Deathmatch losses"),
    count(53, "Deathmatch games"),
    count(54, "CTF wins"),
    count(55, "CTF losses"),
    count(64, "CTF games"),
];

/// Ranks that players are ordered by: overall, Deathmatch, Siege, CTF.
pub const RANKS: [(&str, usize); 4] = [("overall", 1), ("deathmatch", 16), ("siege", 17), ("ctf", 18)];

/// A count that falls, if there is one: no match takes kills or games away.
pub fn falls(before: &[i32], after: &[i32]) -> Option<&'static str> {
    TOTALS.iter().chain(&BY_MODE).find_map(|count| {
        let (before, after) = (*before.get(count.column)?, *after.get(count.column)?);
        (after < before).then_some(count.name)
    })
}

/// The columns of [`TOTALS`] alone.
pub fn totals(columns: &[i32]) -> [i32; TOTALS.len()] {
    TOTALS.map(|count| columns.get(count.column).copied().unwrap_or(0))
}

/// What a match added, the totals that changed.
pub fn added<'a>(
    before: &'a [i32; TOTALS.len()],
    after: &'a [i32; TOTALS.len()],
) -> impl Iterator<Item = (&'static str, i64)> + 'a {
    TOTALS.iter().zip(before.iter().zip(after)).filter_map(|(count, (before, after))| {
        let difference = i64::from(*after) - i64::from(*before);
        (difference != 0).then_some((count.name, difference))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(set: &[(usize, i32)]) -> Vec<i32> {
        let mut columns = vec![0; 100];
        for (column, value) in set {
            columns[*column] = *value;
        }
        columns
    }

    #[test]
    fn a_count_that_falls_is_named_and_a_rank_that_falls_is_not() {
        let before = columns(&[(5, 10), (1, 2000)]);
        assert_eq!(falls(&before, &columns(&[(5, 9), (1, 2000)])), Some("kills"));
        assert_eq!(falls(&before, &columns(&[(5, 12), (1, 1900)])), None);
        assert_eq!(falls(&before, &[]), None);
    }

    #[test]
    fn what_a_match_added_is_told_by_name() {
        let before = totals(&columns(&[(5, 10), (6, 4)]));
        let after = totals(&columns(&[(5, 17), (6, 4), (11, 1)]));
        assert_eq!(added(&before, &after).collect::<Vec<_>>(), [("kills", 7), ("games", 1)]);
    }
}
