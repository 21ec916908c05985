//! Ladders: the title's accounts or clans by one of their stats, pages of them and the place of one.
//!
//! All accounts of the title are ranked, those with 0 too; equal values have different positions, the lower account
//! number first (`uya_ps2_join_game_dme`, lines 122 to 137: the five members with 0 stand in the order of their numbers).
//!
//! SortOrder: the request of that capture (line 85) has 0, which the SDK calls `MEDIUS_ASCENDING`, and Sony's positions
//! count from the highest value. So what ascends is the position; 1 (`MEDIUS_DESCENDING`) is taken for the same ladder from
//! its other end, which no capture shows. Any other value counts as 0.
//!
//! Clans are ranked as accounts are, by the stats of the clan; no capture has a ladder of clans.

use std::collections::HashMap;

use medley_store::{
    Account, AccountId as StoredId, LadderOrder, LadderPlace, LadderStat, Ranked, Stats, Store, StoreError,
    TitleId,
};
use medley_universe::State;
use medley_wire::AccountId;
use medley_wire::enums::{CallbackStatus, SortOrder};
use medley_wire::messages::{
    ClanLadderListRequest, ClanLadderPositionRequest, LadderList_ExtraInfoRequest,
    LadderList_ExtraInfoRequest0, LadderList_ExtraInfoResponse, LadderListRequest,
    LadderPosition_ExtraInfoRequest, LadderPositionRequest, Request,
};
use medley_wire::types::{Blob, Text};

use super::clan::{known_clan, wire_clan};
use super::rows::{online_state, row_of};
use crate::context::{Context, HandlerResult, Refusal};

/// Rows of one answer at most: 472 bytes each. Whoever wants more asks for the next page.
const ROWS: u32 = 256;

/// LadderList, the oldest form: of bytes of the stats blob, which the request names.
pub(super) async fn list(ctx: &mut Context, request: &LadderListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let page = Page {
        stat: LadderStat::bytes(request.start_byte, request.end_byte),
        order: SortOrder(request.sort_order),
        // Signed on the wire: less than 1 is clamped to 1, and less than one row is none.
        start: u32::try_from(request.start_position).unwrap_or(1),
        size: u32::try_from(request.page_size).unwrap_or(0),
    };
    let places = page.read(ctx, |_, _, account: Account| Ok(account.name)).await?;
    let row = row_of(request);
    let rows = places.into_iter().map(|(place, name)| {
        let mut row = row.clone();
        row.account_id = AccountId(place.id.get());
        row.account_name = Text::new(name.as_bytes());
        row.ladder_position = place.position;
        row
    });
    ctx.reply_list(rows.collect())
}

/// LadderList_ExtraInfo.
pub(super) async fn list_extra_info(
    ctx: &mut Context,
    request: &LadderList_ExtraInfoRequest,
) -> HandlerResult {
    let page =
        Page::of(request.ladder_stat_index, request.sort_order, request.start_position, request.page_size);
    extra_info(ctx, &page, row_of(request)).await
}

/// LadderList_ExtraInfo, as the class of the older messages has it.
pub(super) async fn list_extra_info0(
    ctx: &mut Context,
    request: &LadderList_ExtraInfoRequest0,
) -> HandlerResult {
    let page =
        Page::of(request.ladder_stat_index, request.sort_order, request.start_position, request.page_size);
    extra_info(ctx, &page, row_of(request)).await
}

async fn extra_info(ctx: &mut Context, page: &Page, row: LadderList_ExtraInfoResponse) -> HandlerResult {
    let stats = |store: &dyn Store, title: &TitleId, account: Account| {
        Ok((account.name, store.stats(title, account.id)?.unwrap_or_default()))
    };
    let places = page.read(ctx, stats).await?;
    let accounts: Vec<AccountId> = places.iter().map(|(place, _)| AccountId(place.id.get())).collect();
    let mut online: HashMap<AccountId, _> = ctx
        .title()
        .ask(move |state: &State| {
            accounts.into_iter().map(|account| (account, online_state(&state.presence(account)))).collect()
        })
        .await?;
    let rows = places.into_iter().map(|(place, (name, Stats { blob, .. }))| {
        let account_id = AccountId(place.id.get());
        LadderList_ExtraInfoResponse {
            ladder_position: place.position,
            ladder_stat: place.value,
            account_id,
            account_name: Text::new(name.as_bytes()),
            account_stats: Blob(blob),
            online_state: online.remove(&account_id).unwrap_or_default(),
            ..row.clone()
        }
    });
    ctx.reply_list(rows.collect())
}

/// LadderPosition, the oldest form: of bytes of the stats blob. Nobody there: NoResult.
pub(super) async fn position(ctx: &mut Context, request: &LadderPositionRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let stat = LadderStat::bytes(request.start_byte, request.end_byte);
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.ladder_position = place(ctx, stat, request.sort_order, request.account_id).await?.position;
    ctx.reply(answer);
    Ok(())
}

/// LadderPosition_ExtraInfo: with how many are ranked. Nobody there: NoResult.
pub(super) async fn position_extra_info(
    ctx: &mut Context,
    request: &LadderPosition_ExtraInfoRequest,
) -> HandlerResult {
    let stat = LadderStat::index(request.ladder_stat_index);
    let place = place(ctx, stat, request.sort_order, request.account_id).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    (answer.ladder_position, answer.total_rankings) = (place.position, place.total);
    ctx.reply(answer);
    Ok(())
}

/// ClanLadderList.
pub(super) async fn clan_list(ctx: &mut Context, request: &ClanLadderListRequest) -> HandlerResult {
    let page = Page {
        stat: LadderStat::index(request.clan_ladder_stat_index),
        order: request.sort_order,
        // Signed on the wire, as in LadderList.
        start: u32::try_from(request.start_position).unwrap_or(1),
        size: u32::try_from(request.page_size).unwrap_or(0),
    };
    let read = page.rows(ctx, Ranked::Clans, |store, wanted| {
        let Wanted { title, stat, order, start, rows } = wanted;
        let mut page = Vec::with_capacity(rows);
        for place in store.clan_ladder_page(&title, stat, order, start, rows)? {
            // Disbanded since: the row is left out.
            if let Some(clan) = store.clan(&title, place.id)?.filter(|clan| !clan.disbanded) {
                page.push((place, clan.name));
            }
        }
        Ok(page)
    });
    let places = read.await?;
    let row = row_of(request);
    let rows = places.into_iter().map(|(place, name)| {
        let mut row = row.clone();
        row.clan_id = wire_clan(place.id);
        row.clan_name = Text::new(name.as_bytes());
        row.ladder_position = place.position;
        row
    });
    ctx.reply_list(rows.collect())
}

/// ClanLadderPosition, with how many are ranked. ClanNotFound for an unknown or disbanded clan, NoResult for none (-1) and for
/// an index beyond the stats.
pub(super) async fn clan_position(ctx: &mut Context, request: &ClanLadderPositionRequest) -> HandlerResult {
    let (title, clan) = (ctx.title_id(), known_clan(request.clan_id)?);
    let stat = loaded(ctx, Ranked::Clans, LadderStat::index(request.clan_ladder_stat_index)).await?;
    let order = order(request.sort_order);
    let found = ctx.read(move |store| store.clan_ladder_place(&title, stat, order, clan)).await?;
    let place = found.ok_or(CallbackStatus::CLAN_NOT_FOUND)?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    (answer.ladder_position, answer.total_rankings) = (place.position, place.total);
    ctx.reply(answer);
    Ok(())
}

fn order(order: SortOrder) -> LadderOrder {
    match order {
        SortOrder::DESCENDING => LadderOrder::LowestFirst,
        _ => LadderOrder::HighestFirst,
    }
}

/// A ladder that is in memory; NoResult if there is no such stat.
async fn loaded(ctx: &Context, ranked: Ranked, stat: Option<LadderStat>) -> Result<LadderStat, Refusal> {
    let stat = stat.ok_or(CallbackStatus::NO_RESULT)?;
    let title = ctx.title_id();
    ctx.bounded(ctx.shared.store.load_ladder(&title, ranked, stat)).await?;
    Ok(stat)
}

async fn place(
    ctx: &Context,
    stat: Option<LadderStat>,
    sort: SortOrder,
    account: AccountId,
) -> Result<LadderPlace, Refusal> {
    let account = StoredId::new(account.0).ok_or(CallbackStatus::NO_RESULT)?;
    let (title, stat) = (ctx.title_id(), loaded(ctx, Ranked::Accounts, stat).await?);
    let place = ctx.read(move |store| store.ladder_place(&title, stat, order(sort), account)).await?;
    Ok(place.ok_or(CallbackStatus::NO_RESULT)?)
}

/// The rows that a request wants.
struct Page {
    stat: Option<LadderStat>,
    order: SortOrder,
    /// From 1; 0 is taken for 1.
    start: u32,
    size: u32,
}

impl Page {
    fn of(index: i32, order: SortOrder, start: u32, size: u32) -> Self {
        Self { stat: LadderStat::index(index), order, start, size }
    }

    /// Places of accounts, each with what `detail` makes of its account.
    async fn read<T: Send + 'static>(
        &self,
        ctx: &Context,
        detail: impl Fn(&dyn Store, &TitleId, Account) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Vec<(LadderPlace, T)>, Refusal> {
        let read = self.rows(ctx, Ranked::Accounts, move |store, wanted| {
            let Wanted { title, stat, order, start, rows } = wanted;
            let mut page = Vec::with_capacity(rows);
            for place in store.ladder_page(&title, stat, order, start, rows)? {
                // Deleted since: the row is left out.
                if let Some(account) = store.account(&title, place.id)? {
                    page.push((place, detail(store, &title, account)?));
                }
            }
            Ok(page)
        });
        read.await
    }

    /// What `page` reads, once the ladder is in memory.
    async fn rows<T: Send + 'static>(
        &self,
        ctx: &Context,
        ranked: Ranked,
        page: impl FnOnce(&dyn Store, Wanted) -> Result<Vec<T>, StoreError> + Send + 'static,
    ) -> Result<Vec<T>, Refusal> {
        let wanted = Wanted {
            title: ctx.title_id(),
            stat: loaded(ctx, ranked, self.stat).await?,
            order: order(self.order),
            start: self.start,
            rows: self.size.min(ROWS) as usize,
        };
        Ok(ctx.read(move |store| page(store, wanted)).await?)
    }
}

/// A page as the store is asked for it.
struct Wanted {
    title: TitleId,
    stat: LadderStat,
    order: LadderOrder,
    start: u32,
    rows: usize,
}
