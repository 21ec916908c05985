//! Tokens: set, replaced, removed, and each refusal.

use medley_wire::ClanId;
use medley_wire::enums::{
    CallbackStatus as S, NetMessageClass, TokenActionType as Action, TokenCategoryType as Category,
};
use medley_wire::messages::*;
use medley_wire::types::{Blob, MessageId, Text};

use crate::harness::{APP, Host, Player};

/// The status under LobbyExt 41, in the generic form.
async fn ask(
    player: &mut Player,
    action: Action,
    category: Category,
    entity: u32,
    before: &str,
    token: &str,
) -> S {
    let request = TokenRequest {
        message_id: MessageId::new("7"),
        token_action: action,
        token_category: category,
        entity_id: entity,
        token_to_replace: Blob::new(before.as_bytes()),
        token: Blob::new(token.as_bytes()),
    };
    player.send(request).await;
    let answer = player.client.expect_raw(NetMessageClass::LOBBY_EXT.0, 41).await;
    assert_eq!((answer.len(), &answer[2..4]), (30, &b"7\0"[..]));
    S(i32::from_le_bytes(answer[26..30].try_into().expect("four bytes")))
}

async fn add(player: &mut Player, category: Category, entity: u32, token: &str) -> S {
    ask(player, Action::ADD_TOKEN, category, entity, "", token).await
}

#[tokio::test]
async fn a_token_is_unique_in_its_category_and_stays_when_the_host_forgets_the_player() {
    let host = Host::start().await;
    let mut a = host.player("Alpha").await;
    let mut b = host.player("Bravo").await;
    assert_eq!(add(&mut a, Category::GENERIC_TOKEN1, 5, "SEALTEAM").await, S::SUCCESS);
    assert_eq!(add(&mut a, Category::GENERIC_TOKEN1, 5, "SEALTEAM").await, S::SUCCESS);
    drop(a);
    assert_eq!(add(&mut b, Category::GENERIC_TOKEN1, 5, "sealteam").await, S::TOKEN_ALREADY_TAKEN);
    assert_eq!(add(&mut b, Category::GENERIC_TOKEN2, 5, "sealteam").await, S::SUCCESS);
    let (account, title) = (b.account, host.title.clone());
    let owner =
        medley_store::TokenOwner::Account(medley_store::AccountId::new(account.0).expect("an account"));
    let kept = host.store.read(move |store| store.tokens_of(&title, owner)).await.expect("a store");
    assert_eq!(
        kept.iter().map(|token| (token.entity, token.token.to_string())).collect::<Vec<_>>(),
        [(5, "sealteam".into())]
    );
}

#[tokio::test]
async fn a_token_is_replaced_and_removed_by_who_set_it_only() {
    let host = Host::start().await;
    let mut a = host.player("Alpha").await;
    let mut b = host.player("Bravo").await;
    let category = Category::GENERIC_TOKEN3;
    let update = |before, token| (Action::UPDATE_TOKEN, before, token);
    let remove = |before, token| (Action::REMOVE_TOKEN, before, token);
    assert_eq!(add(&mut a, category, 1, "OLD").await, S::SUCCESS);
    assert_eq!(add(&mut b, category, 1, "HIS").await, S::SUCCESS);
    let steps = [
        (update("NONE", "NEW"), S::TOKEN_DOES_NOT_EXIST),
        (update("OLD", "HIS"), S::TOKEN_ALREADY_TAKEN),
        (update("HIS", "MINE"), S::PLAYER_NOT_PRIVILEGED),
        (remove("", "HIS"), S::PLAYER_NOT_PRIVILEGED),
        (update("OLD", "NEW"), S::SUCCESS),
        (remove("", "OLD"), S::TOKEN_DOES_NOT_EXIST),
        (remove("", "NEW"), S::SUCCESS),
        (remove("NEW", ""), S::TOKEN_DOES_NOT_EXIST),
    ];
    for ((action, before, token), wanted) in steps {
        assert_eq!(ask(&mut a, action, category, 1, before, token).await, wanted, "{before} {token}");
    }
}

#[tokio::test]
async fn a_clans_token_is_its_leaders_and_an_accounts_its_own() {
    let host = Host::start().await;
    let mut leader = host.player("Leader").await;
    let mut other = host.player("Other").await;
    let create = CreateClanRequest { clan_name: Text::new("Wolves"), ..Default::default() };
    let clan = leader.ask(create).await.clan_id;
    let entity = clan.0.cast_unsigned();
    assert_eq!(add(&mut other, Category::CLAN_TOKEN, entity, "WLF").await, S::NOT_CLAN_LEADER);
    assert_eq!(add(&mut leader, Category::CLAN_TOKEN, entity + 1, "WLF").await, S::CLAN_NOT_FOUND);
    assert_eq!(add(&mut leader, Category::CLAN_TOKEN, entity, "WLF").await, S::SUCCESS);
    let own = leader.account.0.cast_unsigned();
    assert_eq!(add(&mut other, Category::ACCOUNT_TOKEN, own, "ME").await, S::PLAYER_NOT_PRIVILEGED);
    assert_eq!(add(&mut leader, Category::ACCOUNT_TOKEN, own, "ME").await, S::SUCCESS);
    // Free again with its clan.
    let disband = DisbandClanRequest { clan_id: ClanId(clan.0), ..Default::default() };
    assert_eq!(leader.ask(disband).await.status_code, S::SUCCESS);
    let create = CreateClanRequest { clan_name: Text::new("Foxes"), ..Default::default() };
    let clan = other.ask(create).await.clan_id.0.cast_unsigned();
    assert_eq!(add(&mut other, Category::CLAN_TOKEN, clan, "WLF").await, S::SUCCESS);
}

#[tokio::test]
async fn what_makes_no_sense_is_an_invalid_request() {
    let host = Host::start().await;
    let mut a = host.player("Alpha").await;
    let invalid = S::INVALID_REQUEST_MSG;
    for action in [Action::INVALID_TOKEN_ACTION, Action(4), Action(-1)] {
        assert_eq!(ask(&mut a, action, Category::GENERIC_TOKEN1, 1, "a", "b").await, invalid, "{action:?}");
    }
    for category in [Category::INVALID_TOKEN, Category(6), Category::TOKEN_CATEGORY_TYPE] {
        assert_eq!(add(&mut a, category, 1, "b").await, invalid, "{category:?}");
    }
    assert_eq!(add(&mut a, Category::GENERIC_TOKEN1, 1, "").await, invalid);
    assert_eq!(ask(&mut a, Action::UPDATE_TOKEN, Category::GENERIC_TOKEN1, 1, "", "b").await, invalid);
    let mut stranger = host.stranger("Nobody").await;
    assert_eq!(add(&mut stranger, Category::GENERIC_TOKEN1, 1, "b").await, S::PLAYER_NOT_PRIVILEGED);
    let mut mas = host.mas(110, APP).await;
    mas.send(TokenRequest::default()).await;
    let answer = mas.expect_raw(NetMessageClass::LOBBY_EXT.0, 41).await;
    assert!(S(i32::from_le_bytes(answer[26..30].try_into().expect("four bytes"))).0 < 0);
}

#[tokio::test]
async fn one_owner_has_so_many_tokens_and_no_more() {
    let host = Host::start().await;
    let mut a = host.player("Alpha").await;
    for token in 0..medley_store::limits::TOKENS {
        assert_eq!(add(&mut a, Category::GENERIC_TOKEN1, 1, &format!("T{token}")).await, S::SUCCESS);
    }
    assert_eq!(add(&mut a, Category::GENERIC_TOKEN1, 1, "more").await, S::MAX_EXCEEDED);
}
