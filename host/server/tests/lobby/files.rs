//! Files: each request's success, its refusals and its empty list; transfers of one packet and of many, and those that
//! break off.

use medley_store::{FileId, FileRecord, limits};
use medley_wire::AccountId;
use medley_wire::enums::{
    CallbackStatus as S, ComparisonOperator, FileSortBy, FileXferStatus as Xfer, NetMessageClass, SortOrder,
};
use medley_wire::messages::*;
use medley_wire::types::{Blob, MessageId, Text};

use crate::harness::{APP, Host, Player, assert_empty};

const PACKET: usize = 464;

const RULES: &str = "name = \"T\"\n[[app]]\nid = 11184\n[[channel]]\nname = \"A\"\n[files]\nmax_file_bytes = 100000\n\
                     max_account_files = 3\nmax_account_bytes = 150000\nmax_files = 4\nupload_timeout = 1\n";

fn named(name: &str) -> File {
    File { file_name: Text::new(name), ..Default::default() }
}

fn creation(name: &str, size: u32) -> FileCreateRequest {
    FileCreateRequest {
        medius_file_to_create: File { file_size: size, owner_id: 4711, ..named(name) },
        ..Default::default()
    }
}

async fn create(player: &mut Player, name: &str, size: u32) -> File {
    let made = player.ask(creation(name, size)).await;
    assert_eq!(made.status_code, S::SUCCESS, "{name}");
    made.medius_file_info
}

/// Asks to upload; what the host says first.
async fn begin(player: &mut Player, name: &str, size: usize) -> FileUploadServerRequest {
    let request = FileUploadRequest {
        message_id: MessageId::new("up"),
        medius_file_info: named(name),
        ui_data_size: u32::try_from(size).expect("a size"),
        ..Default::default()
    };
    player.send(request).await;
    let first: FileUploadServerRequest = player.expect().await;
    assert_eq!(first.message_id, "up");
    first
}

fn packet(start: usize, data: &[u8], status: Xfer) -> FileUploadResponse {
    FileUploadResponse {
        data: Blob::new(data),
        i_start_byte_index: i32::try_from(start).expect("an index"),
        i_data_size: i32::try_from(data.len()).expect("a length"),
        i_packet_number: i32::try_from(start / PACKET).expect("a number"),
        i_xfer_status: status,
        status_code: S::SUCCESS,
        message_id: MessageId::new("up"),
    }
}

/// Uploads everything, packet by packet as asked.
async fn upload(player: &mut Player, name: &str, bytes: &[u8]) {
    let mut asked = begin(player, name, bytes.len()).await;
    let mut number = 0;
    while asked.i_xfer_status != Xfer::END {
        assert_eq!((asked.status_code, asked.i_packet_number), (S::SUCCESS, number), "{asked:?}");
        assert_eq!(asked.i_xfer_status, if number == 0 { Xfer::INITIAL } else { Xfer::MID });
        let start = usize::try_from(asked.i_req_start_byte_index).expect("an index");
        let next = &bytes[start..bytes.len().min(start + PACKET)];
        player.send(packet(start, next, asked.i_xfer_status)).await;
        asked = player.expect().await;
        number += 1;
    }
    let end = (asked.status_code, asked.i_packet_number, asked.i_req_start_byte_index);
    assert_eq!(end, (S::SUCCESS, number, i32::try_from(bytes.len()).expect("a length")));
}

fn download_of(name: &str) -> FileDownloadRequest {
    FileDownloadRequest { medius_file_info: named(name), ..Default::default() }
}

/// Downloads a file: its bytes, and the status of each packet.
async fn download(player: &mut Player, name: &str) -> (Vec<u8>, Vec<Xfer>) {
    let (mut bytes, mut statuses) = (Vec::new(), Vec::new());
    let mut next = player.ask(download_of(name)).await;
    loop {
        assert_eq!((next.status_code, next.message_id), (S::SUCCESS, MessageId::new("29269.7")));
        assert_eq!(usize::try_from(next.i_start_byte_index).expect("an index"), bytes.len());
        assert_eq!(usize::try_from(next.i_packet_number).expect("a number"), statuses.len());
        bytes.extend_from_slice(&next.data.0[..usize::try_from(next.i_data_size).expect("a length")]);
        statuses.push(next.i_xfer_status);
        if next.i_xfer_status == Xfer::END {
            return (bytes, statuses);
        }
        next = player.expect().await;
    }
}

async fn close(player: &mut Player, name: &str) -> S {
    player.ask(FileCloseRequest { medius_file_info: named(name), ..Default::default() }).await.status_code
}

async fn cancel(player: &mut Player, name: &str) -> S {
    let request = FileCancelOperationRequest { medius_file_info: named(name), ..Default::default() };
    player.ask(request).await.status_code
}

async fn delete(player: &mut Player, name: &str) -> S {
    player
        .ask(FileDeleteRequest { medius_file_to_delete: named(name), ..Default::default() })
        .await
        .status_code
}

async fn set(player: &mut Player, name: &str, key: &str, value: &str) -> S {
    let request = FileUpdateMetaDataRequest {
        medius_file_info: named(name),
        medius_update_meta_data: FileMetaData { key: Text::new(key), value: Text::new(value) },
        ..Default::default()
    };
    let answer = player.ask(request).await;
    assert_eq!(answer.end_of_list, true.into());
    answer.status_code
}

fn words(name: &str, key: &str) -> FileGetMetaDataRequest {
    FileGetMetaDataRequest {
        medius_file_info: named(name),
        medius_meta_data_requested_key: FileMetaData { key: Text::new(key), ..Default::default() },
        ..Default::default()
    }
}

fn listing(pattern: &str, start: u32, rows: u32) -> FileListRequest {
    FileListRequest {
        file_name_begins_with: Text::new(pattern),
        starting_entry_number: start,
        page_size: rows,
        ..Default::default()
    }
}

async fn names(player: &mut Player, request: FileListRequest) -> Vec<String> {
    let rows = player.list(request).await;
    let name = |row: &FileListResponse| row.medius_file_to_list.file_name.to_string_lossy().into_owned();
    assert!(rows.iter().all(|row| row.status_code == S::SUCCESS), "{rows:?}");
    rows.iter().map(name).collect()
}

/// Bytes that repeat at no packet's or chunk's length.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).expect("a byte")).collect()
}

async fn record(host: &Host, id: u32) -> Option<FileRecord> {
    let title = host.title.clone();
    host.store.read(move |store| store.file(&title, FileId(id))).await.expect("a store")
}

/// What the title's files take.
async fn usage(host: &Host) -> (u32, u64) {
    let title = host.title.clone();
    let usage = host.store.read(move |store| store.file_usage(&title, None)).await.expect("a store");
    (usage.files, usage.bytes)
}

#[tokio::test]
async fn a_file_is_created_as_zeros_and_belongs_to_who_made_it() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    let request = FileCreateRequest {
        medius_file_create_attributes: FileAttributes {
            description: Blob::new(b"my replay"),
            streamable_flag: 1,
            streaming_data_rate: 9,
            ..Default::default()
        },
        ..creation("Folder/Replay", 1000)
    };
    let made = jak.ask(request).await;
    assert_eq!(made.status_code, S::SUCCESS);
    let file = made.medius_file_info;
    assert_eq!((file.file_id, file.file_size, file.file_name), (1, 1000, Text::new("Folder/Replay")));
    assert_eq!(AccountId(file.owner_id.cast_signed()), jak.account);
    assert!(file.creation_time_stamp > 0);
    let (bytes, statuses) = download(&mut jak, "folder/replay").await;
    assert_eq!((bytes, statuses), (vec![0; 1000], vec![Xfer::INITIAL, Xfer::MID, Xfer::END]));
    let request = FileGetAttributesRequest { medius_file_info: named("Folder/Replay"), ..Default::default() };
    let got = jak.ask(request).await;
    assert_eq!((got.status_code, &got.medius_file_info), (S::SUCCESS, &file));
    let attributes = got.medius_file_attributes_response;
    assert_eq!(attributes.description, Blob::new(b"my replay"));
    assert_eq!(
        (attributes.streamable_flag, attributes.streaming_data_rate, attributes.number_accesses),
        (1, 9, 1)
    );
    assert_eq!(attributes.last_changed_by_user_id, file.owner_id);
    assert_eq!(attributes.last_changed_time_stamp, file.creation_time_stamp);
}

#[tokio::test]
async fn a_creation_is_refused_for_its_name_its_size_and_its_number() {
    let host = Host::with(RULES).await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 100_000).await;
    assert_eq!(jak.ask(creation("A", 1)).await.status_code, S::FILE_ALREADY_EXISTS);
    for name in ["", "..", "../a", "/a", "a\\b", "a\nb", "a*"] {
        assert_eq!(jak.ask(creation(name, 1)).await.status_code, S::FILE_INTERNAL_ACCESS_ERROR, "{name:?}");
    }
    for size in [100_001, u32::MAX, 50_001] {
        assert_eq!(jak.ask(creation("b", size)).await.status_code, S::FILE_QUOTA_EXCEEDED, "{size}");
    }
    create(&mut jak, "b", 1).await;
    create(&mut jak, "c", 1).await;
    assert_eq!(jak.ask(creation("d", 1)).await.status_code, S::FILE_QUOTA_EXCEEDED);
    let mut daxter = host.player("Daxter").await;
    create(&mut daxter, "d", 1).await;
    assert_eq!(daxter.ask(creation("e", 1)).await.status_code, S::FILE_QUOTA_EXCEEDED);
    let mut stranger = host.stranger("Nobody").await;
    assert_eq!(stranger.ask(creation("e", 1)).await.status_code, S::FILE_NO_PERMISSIONS);
    assert_eq!(usage(&host).await, (4, 100_003));
}

#[tokio::test]
async fn uploads_of_one_packet_of_many_and_of_none_arrive_whole() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    let mut daxter = host.player("Daxter").await;
    create(&mut jak, "a", 5).await;
    let chunk = limits::FILE_CHUNK as usize;
    for length in [1, PACKET, PACKET + 1, chunk - 1, chunk, chunk + 1, 2 * chunk + PACKET + 3, 0] {
        let bytes = pattern(length);
        upload(&mut jak, "a", &bytes).await;
        assert_eq!(close(&mut jak, "A").await, S::SUCCESS, "{length}");
        assert_eq!(close(&mut jak, "a").await, S::DB_ERROR, "{length}");
        let (got, statuses) = download(&mut daxter, "a").await;
        assert_eq!((got == bytes, statuses.len()), (true, length.div_ceil(PACKET).max(1)), "{length}");
        let (last, before) = statuses.split_last().expect("a packet");
        assert_eq!(*last, Xfer::END);
        assert!(
            before
                .iter()
                .enumerate()
                .all(|(at, status)| *status == if at == 0 { Xfer::INITIAL } else { Xfer::MID })
        );
    }
    let file = record(&host, 1).await.expect("a file");
    assert_eq!((file.size, file.accesses, usage(&host).await), (0, 8, (1, 0)));
}

#[tokio::test]
async fn an_upload_is_refused_without_a_file_a_right_or_room() {
    let host = Host::with(RULES).await;
    let mut jak = host.player("Jak").await;
    let mut daxter = host.player("Daxter").await;
    create(&mut jak, "a", 5).await;
    let refused = |answer: FileUploadServerRequest| (answer.status_code, answer.i_xfer_status);
    assert_eq!(refused(begin(&mut jak, "b", 5).await), (S::DB_ERROR, Xfer::ERROR));
    assert_eq!(refused(begin(&mut daxter, "a", 5).await), (S::FILE_NO_PERMISSIONS, Xfer::ERROR));
    assert_eq!(refused(begin(&mut jak, "a", 100_001).await), (S::FILE_QUOTA_EXCEEDED, Xfer::ERROR));
    assert_eq!(usage(&host).await, (1, 5));
    // Who may write is up to the bits that the owner gave.
    let mut request = creation("open", 5);
    request.medius_file_to_create.global_permission_rwx = 6;
    assert_eq!(jak.ask(request).await.status_code, S::SUCCESS);
    upload(&mut daxter, "open", b"by a stranger").await;
    let request = FileGetAttributesRequest { medius_file_info: named("open"), ..Default::default() };
    let got = jak.ask(request).await;
    let changed_by = got.medius_file_attributes_response.last_changed_by_user_id;
    assert_eq!(AccountId(changed_by.cast_signed()), daxter.account);
    assert_eq!(AccountId(got.medius_file_info.owner_id.cast_signed()), jak.account);
}

#[tokio::test]
async fn packets_that_were_not_asked_for_end_the_upload_and_the_file_stays_what_it_was() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 0).await;
    upload(&mut jak, "a", b"old").await;
    let bytes = pattern(PACKET);
    let wrong = [
        packet(1, &bytes, Xfer::INITIAL),
        packet(0, &[], Xfer::INITIAL),
        FileUploadResponse { i_data_size: 465, ..packet(0, &bytes, Xfer::INITIAL) },
        FileUploadResponse { i_data_size: -1, ..packet(0, &bytes, Xfer::INITIAL) },
        FileUploadResponse { i_start_byte_index: i32::MIN, ..packet(0, &bytes, Xfer::INITIAL) },
        FileUploadResponse { i_start_byte_index: i32::MAX, ..packet(0, &bytes, Xfer::MID) },
    ];
    for wrong in wrong {
        assert_eq!(begin(&mut jak, "a", 1000).await.i_xfer_status, Xfer::INITIAL);
        jak.send(wrong).await;
        let answer: FileUploadServerRequest = jak.expect().await;
        assert_eq!((answer.i_xfer_status, answer.status_code), (Xfer::ERROR, S::FILE_INTERNAL_ACCESS_ERROR));
    }
    // More than was announced.
    begin(&mut jak, "a", PACKET - 1).await;
    jak.send(packet(0, &bytes, Xfer::INITIAL)).await;
    assert_eq!(jak.expect::<FileUploadServerRequest>().await.i_xfer_status, Xfer::ERROR);
    // Without an upload: an error for data, nothing for a farewell.
    jak.send(packet(0, &bytes, Xfer::MID)).await;
    assert_eq!(jak.expect::<FileUploadServerRequest>().await.i_xfer_status, Xfer::ERROR);
    jak.send(packet(0, &[], Xfer::END)).await;
    jak.send(packet(0, &[], Xfer::ERROR)).await;
    assert_eq!(jak.settle().await, Vec::<&str>::new());
    // The client gives up.
    begin(&mut jak, "a", 1000).await;
    jak.send(packet(0, &[], Xfer::ERROR)).await;
    assert_eq!(jak.settle().await, Vec::<&str>::new());
    assert_eq!(close(&mut jak, "a").await, S::DB_ERROR);
    assert_eq!((download(&mut jak, "a").await.0, usage(&host).await), (b"old".to_vec(), (1, 3)));
}

#[tokio::test]
async fn an_upload_that_is_closed_cancelled_or_begun_anew_half_way_keeps_nothing() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 0).await;
    create(&mut jak, "b", 0).await;
    begin(&mut jak, "a", 1000).await;
    jak.send(packet(0, &pattern(PACKET), Xfer::INITIAL)).await;
    jak.expect::<FileUploadServerRequest>().await;
    assert_eq!(close(&mut jak, "b").await, S::DB_ERROR);
    assert_eq!(close(&mut jak, "a").await, S::TRANSACTION_CANCELED);
    begin(&mut jak, "a", 1000).await;
    assert_eq!((cancel(&mut jak, "b").await, cancel(&mut jak, "a").await), (S::NO_RESULT, S::SUCCESS));
    assert_eq!((cancel(&mut jak, "a").await, cancel(&mut jak, "x").await), (S::NO_RESULT, S::DB_ERROR));
    begin(&mut jak, "a", 1000).await;
    upload(&mut jak, "b", b"instead").await;
    assert_eq!(usage(&host).await, (2, 7));
}

#[tokio::test]
async fn an_upload_whose_client_is_gone_gives_its_space_back() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 0).await;
    upload(&mut jak, "a", b"old").await;
    begin(&mut jak, "a", 70_000).await;
    assert_eq!(usage(&host).await, (1, 70_003));
    drop(jak);
    while usage(&host).await != (1, 3) {
        tokio::task::yield_now().await;
    }
    assert_eq!(record(&host, 1).await.map(|file| file.size), Some(3));
}

#[tokio::test]
async fn an_upload_that_stands_still_times_out_and_says_so() {
    let host = Host::with(RULES).await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 3).await;
    begin(&mut jak, "a", 1000).await;
    let answer: FileUploadServerRequest = jak.expect().await;
    assert_eq!((answer.i_xfer_status, answer.status_code), (Xfer::ERROR, S::TRANSACTION_TIMED_OUT));
    assert_eq!((answer.message_id, usage(&host).await), (MessageId::new("up"), (1, 3)));
}

#[tokio::test]
async fn an_upload_to_a_file_that_is_deleted_meanwhile_fails_at_its_end() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 0).await;
    begin(&mut jak, "a", 3).await;
    assert_eq!(delete(&mut jak, "a").await, S::SUCCESS);
    jak.send(packet(0, b"abc", Xfer::INITIAL)).await;
    let answer: FileUploadServerRequest = jak.expect().await;
    assert_eq!((answer.i_xfer_status, answer.status_code), (Xfer::ERROR, S::FILE_INTERNAL_ACCESS_ERROR));
    assert_eq!(usage(&host).await, (0, 0));
}

#[tokio::test]
async fn an_upload_faster_than_the_flood_limit_is_no_flood() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 0).await;
    // 2260 packets; the burst is 400 messages, the rate 100 a second.
    let bytes = pattern(1024 * 1024);
    upload(&mut jak, "a", &bytes).await;
    assert!(download(&mut jak, "a").await.0 == bytes);
}

#[tokio::test]
async fn a_download_that_is_missing_or_forbidden_is_one_packet_of_error() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    let mut daxter = host.player("Daxter").await;
    let mut request = creation("secret", 5);
    request.medius_file_to_create.owner_permission_rwx = 7;
    assert_eq!(jak.ask(request).await.status_code, S::SUCCESS);
    for (name, status) in [("Post_Score_11101001.post", S::DB_ERROR), ("secret", S::FILE_NO_PERMISSIONS)] {
        let answer = daxter.ask(download_of(name)).await;
        let told = (answer.status_code, answer.i_data_size, answer.i_packet_number, answer.i_xfer_status);
        assert_eq!(told, (status, 0, 0, Xfer::ERROR), "{name}");
    }
    assert_eq!(download(&mut jak, "secret").await.0, vec![0; 5]);
    // By number, as FileCreate's answer gives it.
    let request = FileDownloadRequest {
        medius_file_info: File { file_id: 1, ..Default::default() },
        ..Default::default()
    };
    assert_eq!(jak.ask(request).await.i_data_size, 5);
}

#[tokio::test]
async fn requests_are_answered_while_a_file_is_on_its_way_and_a_cancel_stops_it() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 1_000_000).await;
    jak.send(FileDownloadRequest { message_id: MessageId::new("dl"), ..download_of("a") }).await;
    assert_eq!(cancel(&mut jak, "a").await, S::SUCCESS);
    let after = jak.settle().await;
    assert!(after.len() < 2000, "{} packets after the cancel", after.len());
    assert_eq!(cancel(&mut jak, "a").await, S::NO_RESULT);
    assert_eq!(jak.settle().await, Vec::<&str>::new());
    // More than a few at a time are refused.
    for _ in 0..5 {
        jak.send(FileDownloadRequest { message_id: MessageId::new("dl"), ..download_of("a") }).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let packet: FileDownloadResponse = jak.expect().await;
        if matches!(packet.i_xfer_status, Xfer::END | Xfer::ERROR) {
            seen.push((packet.i_xfer_status, packet.status_code));
        }
    }
    assert!(
        seen.iter().all(|seen| matches!(*seen, (Xfer::END, S::SUCCESS) | (Xfer::ERROR, S::SERVER_BUSY))),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_downloaded_ends_in_an_error() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    let mut daxter = host.player("Daxter").await;
    create(&mut jak, "a", 0).await;
    upload(&mut jak, "a", &pattern(1_000_000)).await;
    let first = daxter.ask(download_of("a")).await;
    assert_eq!(first.i_xfer_status, Xfer::INITIAL);
    // Daxter reads nothing meanwhile, so the host has most of it still to send.
    upload(&mut jak, "a", b"new").await;
    let last = loop {
        let packet: FileDownloadResponse = daxter.expect().await;
        if packet.i_xfer_status != Xfer::MID {
            break packet;
        }
    };
    // Small enough to be in the sockets' buffers already, or the new content cut it off.
    assert!(
        matches!(
            (last.i_xfer_status, last.status_code),
            (Xfer::ERROR, S::FILE_INTERNAL_ACCESS_ERROR) | (Xfer::END, S::SUCCESS)
        ),
        "{last:?}"
    );
    assert_eq!(download(&mut daxter, "a").await.0, b"new");
}

#[tokio::test]
async fn a_file_is_deleted_by_who_may_and_then_it_is_not_there() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    let mut daxter = host.player("Daxter").await;
    create(&mut jak, "a", 5).await;
    assert_eq!(delete(&mut daxter, "a").await, S::FILE_NO_PERMISSIONS);
    assert_eq!(delete(&mut jak, "A").await, S::SUCCESS);
    assert_eq!(delete(&mut jak, "a").await, S::DB_ERROR);
    let request = FileGetAttributesRequest { medius_file_info: named("a"), ..Default::default() };
    assert_eq!(jak.ask(request).await.status_code, S::DB_ERROR);
    assert_eq!(close(&mut jak, "a").await, S::DB_ERROR);
    assert_eq!(usage(&host).await, (0, 0));
}

#[tokio::test]
async fn metadata_is_kept_told_by_key_or_whole_and_taken_away() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    let mut daxter = host.player("Daxter").await;
    create(&mut jak, "a", 5).await;
    assert_empty(&jak.list(words("a", "map")).await);
    assert_eq!(set(&mut jak, "a", "map", "Blackwater").await, S::SUCCESS);
    assert_eq!(set(&mut jak, "a", "lap", "62").await, S::SUCCESS);
    for (status, name) in [(S::DB_ERROR, "b"), (S::FILE_NO_PERMISSIONS, "a")] {
        assert_eq!(set(&mut daxter, name, "map", "x").await, status);
    }
    assert_eq!(set(&mut jak, "a", "", "x").await, S::DB_ERROR);
    let told = |rows: Vec<FileGetMetaDataResponse>| {
        let word = |row: &FileGetMetaDataResponse| {
            let word = &row.medius_meta_data_response_key;
            format!("{}={}", word.key.to_string_lossy(), word.value.to_string_lossy())
        };
        rows.iter().map(word).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told(daxter.list(words("a", "map")).await), "map=Blackwater");
    assert_eq!(told(daxter.list(words("A", "*")).await), "lap=62 map=Blackwater");
    assert_eq!(told(daxter.list(words("a", "")).await), "lap=62 map=Blackwater");
    assert_eq!(set(&mut jak, "a", "lap", "").await, S::SUCCESS);
    assert_empty(&daxter.list(words("a", "lap")).await);
    assert_eq!(jak.ask(words("b", "map")).await.status_code, S::DB_ERROR);
}

#[tokio::test]
async fn auxiliary_metadata_is_metadata_and_is_answered_behind_its_own_id() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    create(&mut jak, "a", 5).await;
    for (name, status) in [("a", S::SUCCESS), ("b", S::DB_ERROR)] {
        let request = FileUpdateAuxMetaDataRequest {
            medius_file_info: named(name),
            medius_update_meta_data: FileMetaData { key: Text::new("k"), value: Text::new("v") },
            message_id: MessageId::new("7"),
            ..Default::default()
        };
        jak.send(request).await;
        let answer = jak.client.expect_raw(NetMessageClass::LOBBY_EXT.0, 71).await;
        // The file, the status, the MessageID.
        assert_eq!((answer.len(), &answer[178..180]), (202, &b"7\0"[..]), "{name}");
        assert_eq!(S(i32::from_le_bytes(answer[174..178].try_into().expect("four bytes"))), status, "{name}");
    }
    assert_eq!(jak.list(words("a", "k")).await.len(), 1);
}

#[tokio::test]
async fn files_are_listed_by_name_size_owner_and_age_in_pages() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    let mut daxter = host.player("Daxter").await;
    assert_empty(&jak.list(listing("*", 1, 10)).await);
    for (name, size) in [("folder/b", 10), ("folder/A", 20), ("folders", 30), ("x", 0)] {
        create(&mut jak, name, size).await;
    }
    create(&mut daxter, "y", 40).await;
    let mut request = creation("hidden", 5);
    request.medius_file_to_create.owner_permission_rwx = 7;
    assert_eq!(daxter.ask(request).await.status_code, S::SUCCESS);
    assert_eq!(names(&mut jak, listing("*", 1, 10)).await, ["folder/A", "folder/b", "folders", "x", "y"]);
    assert_eq!(names(&mut daxter, listing("h", 1, 10)).await, ["hidden"]);
    assert_eq!(names(&mut jak, listing("Folder/*", 0, 10)).await, ["folder/A", "folder/b"]);
    assert_eq!(names(&mut jak, listing("", 2, 2)).await, ["folder/b", "folders"]);
    for none in [listing("*", 6, 10), listing("*", 1, 0), listing("z", 1, 10), listing("*", u32::MAX, 10)] {
        assert_empty(&jak.list(none).await);
    }
    let sized = |larger, smaller| FileListRequest {
        filesize_greater_than: larger,
        filesize_less_than: smaller,
        ..listing("*", 1, 10)
    };
    assert_eq!(names(&mut jak, sized(10, 40)).await, ["folder/A", "folders"]);
    assert_eq!(names(&mut jak, sized(0, 1)).await, ["x"]);
    let owner = daxter.account.0.cast_unsigned();
    assert_eq!(names(&mut jak, FileListRequest { owner_by_id: owner, ..listing("*", 1, 10) }).await, ["y"]);
    let made = record(&host, 1).await.expect("a file").created;
    let stamp = u32::try_from(made).expect("a time");
    let newer = |than| FileListRequest { newer_than_timestamp: than, ..listing("folder/b", 1, 10) };
    assert_eq!(names(&mut jak, newer(stamp - 1)).await, ["folder/b"]);
    assert_empty(&jak.list(newer(stamp)).await);
}

#[tokio::test]
async fn an_extended_list_compares_and_sorts_by_metadata() {
    let host = Host::start().await;
    let mut jak = host.player("Jak").await;
    for (name, size, lap) in [("a", 3, "9"), ("b", 1, "10"), ("c", 2, "x"), ("d", 9, "")] {
        create(&mut jak, name, size).await;
        assert_eq!(set(&mut jak, name, "lap", lap).await, S::SUCCESS);
    }
    let list = |value: &str, operator, sort_by, sort_order| FileListExtRequest {
        file_name_begins_with: Text::new("*"),
        owner_by_id: -1,
        starting_entry_number: 1,
        page_size: 10,
        meta_data: FileMetaData { key: Text::new("lap"), value: Text::new(value) },
        meta_operator: operator,
        sort_by,
        sort_order,
        ..Default::default()
    };
    use ComparisonOperator as Op;
    use FileSortBy as By;
    let (up, down) = (SortOrder::ASCENDING, SortOrder::DESCENDING);
    let cases = [
        (list("", Op::EQUAL_TO, By::NOTHING, down), "a9 b10 cx d"),
        (list("", Op::EQUAL_TO, By::NAME, down), "d cx b10 a9"),
        (list("", Op::EQUAL_TO, By::FILE_SIZE, up), "b10 cx a9 d"),
        (list("", Op::EQUAL_TO, By::META_STRING, down), "cx a9 b10 d"),
        (list("10", Op::LESS_THAN, By::META_VALUE, up), "a9"),
        (list("9", Op::GREATER_THAN_OR_EQUAL_TO, By::META_VALUE, down), "b10 a9 cx"),
        (list("x", Op::EQUAL_TO, By::TIME_STAMP, up), "cx"),
        (list("x", Op::NOT_EQUALS, By::POPULARITY, up), "a9 b10"),
    ];
    for (request, wanted) in cases {
        let shown = format!("{request:?}");
        let rows = jak.list(request).await;
        let row = |row: &FileListExtResponse| {
            format!(
                "{}{}",
                row.medius_file_info.file_name.to_string_lossy(),
                row.meta_value.to_string_lossy()
            )
        };
        let mut told: Vec<_> = rows.iter().map(row).collect();
        if wanted == "b10 a9 cx" {
            // What is no number has no place among numbers but the first or the last.
            told.sort_by_key(|row| row == "cx");
        }
        assert_eq!(told.join(" "), wanted, "{shown}");
    }
    assert_empty(&jak.list(list("77", Op::EQUAL_TO, By::NOTHING, up)).await);
}

#[tokio::test]
async fn a_title_without_files_refuses_them() {
    let text = RULES.replace("[files]", "[files]\nenabled = false");
    let host = Host::with(&text).await;
    let mut jak = host.player("Jak").await;
    assert_eq!(jak.ask(creation("a", 1)).await.status_code, S::FILE_INTERNAL_ACCESS_ERROR);
    assert_eq!(jak.ask(download_of("a")).await.status_code, S::DB_ERROR);
    assert_empty(&jak.list(listing("*", 1, 10)).await);
    assert_eq!(begin(&mut jak, "a", 1).await.i_xfer_status, Xfer::ERROR);
}

#[tokio::test]
async fn files_need_a_login() {
    let host = Host::start().await;
    let mut mas = host.mas(110, APP).await;
    assert_eq!(mas.ask(creation("a", 1)).await.status_code, S::DB_ERROR);
    assert_eq!(mas.ask(download_of("a")).await.i_xfer_status, Xfer::ERROR);
}
