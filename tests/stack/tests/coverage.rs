use std::collections::BTreeSet;

use medley_stack_tests::requests::{self, MISSING};

#[test]
fn the_list_of_messages_without_a_handler_is_exact() {
    let missing: BTreeSet<_> =
        requests::to_servers().filter(|info| requests::row(info).is_none()).map(|info| info.name).collect();
    let listed: BTreeSet<_> = MISSING.iter().copied().collect();
    assert_eq!(listed.len(), MISSING.len());
    assert_eq!(missing, listed, "without a handler, and listed as such");
}
