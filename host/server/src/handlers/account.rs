//! Accounts: registration, the ways to log in, passwords, stats (servers.md 6).
//!
//! The order of refusals at login is 6.1's. Everything that is looked up or hashed happens in the connection's task;
//! the universe hears of a player only when all of it is settled.

use medley_store::{
    Account, AccountId as StoredId, BanQuery, ListKind, LoginRecord, PasswordCheck, Stats, StatsUpdate,
    StoreError, Text as StoredText,
};
use medley_titles::{AppRef, TicketCheck};
use medley_universe::{
    Buddy, Invitation, Login, LoginAnonymously, LoginInfo, Logout, Name, SessionKey, SetAccountStats,
};
use medley_wire::enums::{AccessLevelType, AccountType, BuddyAddType, CallbackStatus};
use medley_wire::messages::{
    AccountDeleteRequest, AccountGetIDRequest, AccountLoginRequest, AccountLogoutRequest,
    AccountRegistrationRequest, AccountUpdatePasswordRequest, AccountUpdateStatsRequest,
    AnonymousLoginRequest, GetAccessLevelInfoRequest, Request, TicketLoginRequest,
};
use medley_wire::{AccountId, ClanId};

use crate::context::{Context, HandlerResult, Player, Refusal, StoreFailure};
use crate::events;
use crate::np_ticket::NpTicket;
use crate::plugin::hooks::registration_at_login;
use crate::text_filter::{may_register, name_passes};

/// Everything of an account that a session needs.
struct Loaded {
    buddies: Vec<Buddy>,
    ignored: Vec<Buddy>,
    invitations: Vec<Invitation>,
    clan: Option<ClanId>,
    stats: Stats,
}

fn count_login(ctx: &Context, result: &'static str) {
    let title = ctx.title.id().as_str().to_owned();
    metrics::counter!(events::LOGINS, "title" => title, "result" => result).increment(1);
}

fn find_account(ctx: &Context, name: &[u8]) -> Result<Option<Account>, Refusal> {
    let title = ctx.title_id();
    Ok(ctx.glance(|store| store.account_by_name(&title, name))?)
}

/// Makes an account. A name that was taken meanwhile is AccountAlreadyExists.
async fn create(ctx: &Context, name: &[u8], password: Option<&[u8]>) -> Result<Account, Refusal> {
    let title = ctx.title_id();
    let _turn = ctx.hash_turn().await;
    let made = ctx.shared.store.create_account(&title, StoredText(name.to_vec()), password, ctx.unix_now());
    match ctx.bounded_hash(made).await {
        Err(StoreFailure::Store(StoreError::AlreadyExists { .. })) => {
            Err(CallbackStatus::ACCOUNT_ALREADY_EXISTS.into())
        }
        Err(StoreFailure::Store(error)) if error.is_refusal() => Err(CallbackStatus::FAIL.into()),
        made => Ok(made?),
    }
}

pub(super) async fn register(ctx: &mut Context, request: &AccountRegistrationRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let app = ctx.app();
    let name = request.account_name.as_bytes();
    if !app.title().config.accounts.registration || !may_register(name, &app.title().config) {
        return Err(CallbackStatus::FAIL.into());
    }
    if find_account(ctx, name)?.is_some() {
        return Err(CallbackStatus::ACCOUNT_ALREADY_EXISTS.into());
    }
    let account = create(ctx, name, Some(request.password.as_bytes())).await?;
    // Quoted: a name may have any byte, also one that ends a line of the log.
    tracing::info!(account = %account.id, name = ?account.name.to_string_lossy(), "account registered");
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.account_id = AccountId(account.id.get());
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn login(ctx: &mut Context, request: &AccountLoginRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let name = request.username.as_bytes().to_vec();
    let outcome = try_login(ctx, &name, request.password.as_bytes()).await;
    let (account, info) = counted(ctx, outcome)?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.account_id = account;
    answer.account_type = AccountType::MASTER_ACCOUNT;
    answer.world_id = info.channel.0;
    answer.connect_info = ctx.login_info(info.net_world, &info.access_key);
    ctx.reply(answer);
    welcome(ctx);
    Ok(())
}

fn counted(
    ctx: &Context,
    outcome: Result<(AccountId, LoginInfo), Refusal>,
) -> Result<(AccountId, LoginInfo), Refusal> {
    let result = match &outcome {
        Ok(_) => "success",
        Err(Refusal::Status(CallbackStatus::INVALID_PASSWORD)) => "invalid_password",
        Err(Refusal::Status(CallbackStatus::ACCOUNT_NOT_FOUND)) => "account_not_found",
        Err(Refusal::Status(CallbackStatus::ACCOUNT_LOGGED_IN)) => "account_logged_in",
        Err(Refusal::Status(CallbackStatus::ACCOUNT_BANNED | CallbackStatus::MACHINE_BANNED)) => "banned",
        Err(_) => "other",
    };
    count_login(ctx, result);
    outcome
}

fn welcome(ctx: &mut Context) {
    let app = ctx.app();
    ctx.system_message(&app.title().config.system_message.welcome);
}

/// Steps 1 to 8 of servers.md 6.1.
async fn try_login(
    ctx: &mut Context,
    name: &[u8],
    password: &[u8],
) -> Result<(AccountId, LoginInfo), Refusal> {
    let app = ctx.app();
    let rules = &app.title().config.accounts;
    // 1. The name.
    if name.is_empty() || !name_passes(name, &app.title().config) {
        return Err(CallbackStatus::FAIL.into());
    }
    // 3. and 4. Whose account, and is somebody logged in with it? The title's plugin may give a new one another password.
    let mut changed = None;
    let account = match find_account(ctx, name)? {
        Some(account) => account,
        None if !rules.create_on_login => return Err(CallbackStatus::ACCOUNT_NOT_FOUND.into()),
        None => {
            let (name, given) = registration_at_login(ctx, name, password).await?;
            if !rules.registration || !may_register(&name, &app.title().config) {
                return Err(CallbackStatus::FAIL.into());
            }
            let account = create(ctx, &name, Some(&given)).await?;
            changed = Some(given);
            account
        }
    };
    let password = changed.as_deref().unwrap_or(password);
    let id = AccountId(account.id.get());
    ctx.title.ask(move |state| state.may_log_in(id)).await??;
    // 5. Bans and the white-list.
    refuse_banned(ctx, &app, Some(account.id), CallbackStatus::ACCOUNT_BANNED).await?;
    refuse_unlisted(&app, &account)?;
    // 6. and 7. The password.
    let turn = ctx.hash_turn().await;
    match ctx.shared.store.verify_account(&account, password).await.map_err(StoreFailure::Store)? {
        PasswordCheck::Match => {}
        PasswordCheck::ResetPending => {
            let set = ctx.shared.store.set_password(ctx.title.id(), account.id, Some(password));
            set.await.map_err(StoreFailure::Store)?;
            tracing::info!(account = %account.id, "a new password was set at login, as the operator asked");
        }
        PasswordCheck::Mismatch | PasswordCheck::NoPassword => {
            return Err(CallbackStatus::INVALID_PASSWORD.into());
        }
    }
    drop(turn);
    // 8. In.
    enter(ctx, &app, account).await
}

/// Refuses an account, address or machine that is banned, and shows the player so.
async fn refuse_banned(
    ctx: &mut Context,
    app: &AppRef,
    account: Option<StoredId>,
    status: CallbackStatus,
) -> Result<(), Refusal> {
    let query = BanQuery {
        title: Some(ctx.title_id()),
        account,
        ip: Some(ctx.client_ip()),
        machine_id: ctx.machine.as_deref().map(<[u8]>::to_vec),
    };
    let now = ctx.unix_now();
    if let Some(ban) = ctx.glance(|store| store.is_banned(&query, now))? {
        tracing::info!(ban = %ban.id, account = account.map(StoredId::get), "a banned player was turned away");
        ctx.system_message(&app.title().config.system_message.banned);
        return Err(status.into());
    }
    Ok(())
}

/// With the white-list on, only accounts that an operator put on it may enter (`medley account allow`).
fn refuse_unlisted(app: &AppRef, account: &Account) -> Result<(), Refusal> {
    if !app.title().config.accounts.whitelist {
        return Ok(());
    }
    if account.is_whitelisted() { Ok(()) } else { Err(CallbackStatus::FAIL.into()) }
}

/// Loads what the session needs, tells the universe, writes the login down.
async fn enter(ctx: &mut Context, app: &AppRef, account: Account) -> Result<(AccountId, LoginInfo), Refusal> {
    let session = ctx.session()?;
    let loaded = load(ctx, account.id).await?;
    let name = Name::new(account.name.as_bytes());
    let moderators = &app.title().config.accounts.moderators;
    let moderator =
        moderators.iter().any(|moderator| moderator.as_bytes().eq_ignore_ascii_case(name.as_bytes()));
    let id = AccountId(account.id.get());
    let login = Login {
        session,
        account: id,
        name: name.clone(),
        clan: loaded.clan,
        stats: loaded.stats.blob.to_vec(),
        moderator,
        buddies: loaded.buddies,
        ignored: loaded.ignored,
        invitations: loaded.invitations,
    };
    let info = ctx.title.run(login).await??;
    ctx.player = Some(Player { id, name });
    tracing::Span::current().record("account", id.0);
    tracing::info!("login accepted");
    let record = LoginRecord {
        at: ctx.unix_now(),
        ip: Some(ctx.client_ip()),
        machine_id: ctx.machine.as_deref().map(<[u8]>::to_vec),
    };
    // Nobody waits for the note of a login: that it is durable matters to no answer.
    let title = ctx.title_id();
    if let Err(error) = ctx.glance(|store| store.record_login(&title, account.id, &record).map(drop)) {
        tracing::warn!(?error, "a login could not be noted");
    }
    Ok((id, info))
}

async fn load(ctx: &Context, id: StoredId) -> Result<Loaded, Refusal> {
    let title = ctx.title_id();
    let loaded = ctx.glance(|store| {
        let list = |kind| -> Result<Vec<Buddy>, StoreError> {
            let rows = store.list(&title, kind, id)?;
            let buddy = |row: medley_store::ListedAccount| Buddy {
                account: AccountId(row.id.get()),
                name: Name::new(row.name.as_bytes()),
            };
            Ok(rows.into_iter().map(buddy).collect())
        };
        let invitations = store.invitations(&title, id)?.into_iter().map(|invitation| Invitation {
            from: AccountId(invitation.originator.get()),
            name: Name::new(invitation.originator_name.as_bytes()),
            add_type: BuddyAddType(invitation.add_type),
        });
        Ok(Loaded {
            buddies: list(ListKind::Buddies)?,
            ignored: list(ListKind::Ignored)?,
            invitations: invitations.collect(),
            clan: store.clan_of(&title, id)?.and_then(|clan| i32::try_from(clan.id.0).ok()).map(ClanId),
            stats: store.stats(&title, id)?.unwrap_or_default(),
        })
    });
    Ok(loaded?)
}

pub(super) async fn anonymous_login(ctx: &mut Context, request: &AnonymousLoginRequest) -> HandlerResult {
    let app = ctx.app();
    let rules = &app.title().config.accounts;
    if !rules.anonymous_login || rules.whitelist {
        return Err(CallbackStatus::FAIL.into());
    }
    ctx.check_session_key(&request.session_key)?;
    let session = ctx.session()?;
    refuse_banned(ctx, &app, None, CallbackStatus::MACHINE_BANNED).await?;
    let name = Name::from(request.session_display_name);
    if !name_passes(name.as_bytes(), &app.title().config) {
        return Err(CallbackStatus::FAIL.into());
    }
    let login =
        LoginAnonymously { session, name: name.clone(), stats: request.session_display_stats.0.to_vec() };
    let info = ctx.title.run(login).await??;
    ctx.player = Some(Player { id: info.account, name });
    count_login(ctx, "anonymous");
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.account_id = info.account;
    answer.account_type = AccountType::MASTER_ACCOUNT;
    answer.world_id = info.channel.0;
    answer.connect_info = ctx.login_info(info.net_world, &info.access_key);
    ctx.reply(answer);
    welcome(ctx);
    Ok(())
}

/// Order of servers.md 6.2: logged in, machine, account, white-list, creation.
pub(super) async fn ticket_login(ctx: &mut Context, request: &TicketLoginRequest) -> HandlerResult {
    let outcome = try_ticket_login(ctx, request).await;
    let (account, info) = counted(ctx, outcome)?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.status_code_ticket_login = CallbackStatus::SUCCESS;
    answer.password_type = 0;
    answer.message_id_account_login = request.message_id;
    answer.status_code_account_login = CallbackStatus::SUCCESS;
    answer.account_id = account;
    answer.account_type = AccountType::MASTER_ACCOUNT;
    answer.medius_world_id = info.channel;
    answer.connect_info = ctx.login_info(info.net_world, &info.access_key);
    ctx.reply(answer);
    welcome(ctx);
    Ok(())
}

async fn try_ticket_login(
    ctx: &mut Context,
    request: &TicketLoginRequest,
) -> Result<(AccountId, LoginInfo), Refusal> {
    let app = ctx.app();
    let rules = &app.title().config.accounts;
    if !rules.ticket_login {
        return Err(CallbackStatus::FEATURE_NOT_ENABLED.into());
    }
    let ticket = NpTicket::parse(request.ticket_version.0, &request.ticket_data.0).map_err(|error| {
        tracing::info!(%error, "a ticket that cannot be read");
        CallbackStatus::LOGIN_FAILED
    })?;
    if rules.tickets == TicketCheck::Signed && !ticket.is_proven(&rules.ticket_key, ctx.unix_now()) {
        tracing::info!(rpcn = ticket.rpcn, "a ticket that is not signed by a known key, or has expired");
        return Err(CallbackStatus::MACHINE_BANNED.into());
    }
    let name = ticket.account_name();
    let found = find_account(ctx, &name)?;
    if let Some(account) = &found {
        let id = AccountId(account.id.get());
        ctx.title.ask(move |state| state.may_log_in(id)).await??;
    }
    refuse_banned(ctx, &app, None, CallbackStatus::MACHINE_BANNED).await?;
    if let Some(account) = &found {
        refuse_banned(ctx, &app, Some(account.id), CallbackStatus::ACCOUNT_BANNED).await?;
    }
    let account = match found {
        // Unless the title checks signatures nothing proves a ticket, so it must not stand in for a password: whoever
        // writes one himself would be whomever he names. What a ticket made has none.
        Some(account) if account.password.is_some() || account.reset_password => {
            tracing::info!(account = %account.id, "a ticket for an account that has a password");
            return Err(CallbackStatus::INVALID_PASSWORD.into());
        }
        Some(account) => account,
        None if !rules.registration || !may_register(&ticket.online_id, &app.title().config) => {
            return Err(CallbackStatus::FAIL.into());
        }
        None => create(ctx, &name, None).await?,
    };
    refuse_unlisted(&app, &account)?;
    enter(ctx, &app, account).await
}

pub(super) async fn logout(ctx: &mut Context, request: &AccountLogoutRequest) -> HandlerResult {
    let session = ctx.session()?;
    let key = SessionKey::parse(request.session_key.as_bytes()).ok_or(CallbackStatus::FAIL)?;
    ctx.title.run(Logout { session, key }).await??;
    ctx.session = None;
    ctx.player = None;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn get_id(ctx: &mut Context, request: &AccountGetIDRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let account = find_account(ctx, request.account_name.as_bytes())?;
    let account = account.ok_or(CallbackStatus::ACCOUNT_NOT_FOUND)?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.account_id = AccountId(account.id.get());
    ctx.reply(answer);
    Ok(())
}

/// Deletes the player's own account; the session ends with it. MasterPassword must be the account's, if it has one.
pub(super) async fn delete(ctx: &mut Context, request: &AccountDeleteRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, id, session) = (ctx.title_id(), ctx.stored_account()?, ctx.session()?);
    let turn = ctx.hash_turn().await;
    let check = ctx.shared.store.verify_password(&title, id, request.master_password.as_bytes());
    if check.await.map_err(StoreFailure::Store)? == PasswordCheck::Mismatch {
        return Err(CallbackStatus::INVALID_PASSWORD.into());
    }
    drop(turn);
    ctx.write(move |store| store.delete_account(&title, id)).await?;
    tracing::info!(account = %id, "account deleted by its owner");
    ctx.title.run(Logout { session, key: session }).await??;
    ctx.session = None;
    ctx.player = None;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn update_password(
    ctx: &mut Context,
    request: &AccountUpdatePasswordRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, id) = (ctx.title_id(), ctx.stored_account()?);
    let _turn = ctx.hash_turn().await;
    let check = ctx.shared.store.verify_password(&title, id, request.old_password.as_bytes());
    match check.await.map_err(StoreFailure::Store)? {
        PasswordCheck::Match | PasswordCheck::ResetPending => {}
        PasswordCheck::Mismatch | PasswordCheck::NoPassword => {
            return Err(CallbackStatus::INVALID_PASSWORD.into());
        }
    }
    let set = ctx.shared.store.set_password(&title, id, Some(request.new_password.as_bytes()));
    set.await.map_err(StoreFailure::Store)?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn update_stats(ctx: &mut Context, request: &AccountUpdateStatsRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let session = ctx.session()?;
    // A player without an account has stats for the evening only.
    if let Some(id) = ctx.player()?.stored() {
        let (title, blob) = (ctx.title_id(), Box::new(request.stats.0));
        ctx.write(move |store| store.update_stats(&title, id, &[StatsUpdate::Blob(blob)])).await?;
    }
    ctx.title.run(SetAccountStats { session, stats: request.stats.0.to_vec() }).await??;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn get_access_level(
    ctx: &mut Context,
    request: &GetAccessLevelInfoRequest,
) -> HandlerResult {
    let session = ctx.session()?;
    let moderator =
        ctx.title.ask(move |state| state.session(session).is_some_and(|session| session.moderator)).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.access_level = if moderator { AccessLevelType::MODERATOR } else { AccessLevelType::DEFAULT };
    ctx.reply(answer);
    Ok(())
}
