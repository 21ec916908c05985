//! Files of titles: names, rights, space, uploads that are whole or nothing, export and import.

// Helpers of tests assert by unwrapping, as the tests themselves do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers too")]

use std::path::Path;

use medley_store::{
    Account, AccountId, Database, FilePermissions, FileRecord, FileSpace, FileUsage, FileUser, Files,
    ImportMode, NewAccount, NewClan, NewFile, Page, SledEngine, SledOptions, Store, StoreError, Text,
    TitleId, UploadId, limits,
};

/// Room enough.
const SPACE: FileSpace = FileSpace {
    file_bytes: 1024 * 1024,
    account_files: 8,
    account_bytes: 4 * 1024 * 1024,
    title_files: 16,
    title_bytes: 8 * 1024 * 1024,
};

const CHUNK: usize = limits::FILE_CHUNK as usize;

fn open(path: &Path) -> Database<SledEngine> {
    Database::open(path, &SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() }).unwrap()
}

/// Runs a test on the in-memory engine and on sled.
fn on_both(test: impl Fn(&dyn Store)) {
    test(&Database::in_memory().unwrap());
    let folder = tempfile::tempdir().unwrap();
    test(&open(&folder.path().join("db")));
}

fn title() -> TitleId {
    TitleId::new("jak-x").unwrap()
}

fn account(store: &dyn Store, name: &str) -> Account {
    let new = NewAccount { name: Text::from(name), password: None, created: 0 };
    store.create_account(&title(), &new).unwrap().wait().unwrap()
}

fn new(name: &str, owner: Option<AccountId>, size: u32) -> NewFile {
    NewFile {
        name: Text::from(name),
        owner,
        group: 0,
        permissions: FilePermissions::default(),
        size,
        description: b"a replay".to_vec(),
        streamable: 0,
        data_rate: 0,
        created: 100,
    }
}

fn create(store: &dyn Store, name: &str, owner: Option<AccountId>, size: u32) -> FileRecord {
    store.create_file(&title(), &new(name, owner, size), &SPACE).unwrap().wait().unwrap()
}

fn begin(store: &dyn Store, by: FileUser, file: &FileRecord, size: usize) -> UploadId {
    store.begin_upload(&title(), by, file.id, size as u32, &SPACE).unwrap().wait().unwrap()
}

/// Uploads everything.
fn upload(store: &dyn Store, by: FileUser, file: &FileRecord, bytes: &[u8]) -> FileRecord {
    let upload = begin(store, by, file, bytes.len());
    for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
        store.upload_chunk(&title(), upload, index as u32, chunk).unwrap();
    }
    store.finish_upload(&title(), upload, 200).unwrap().wait().unwrap()
}

fn content(store: &dyn Store, file: &FileRecord) -> Vec<u8> {
    (0..file.chunks()).flat_map(|index| store.file_chunk(&title(), file, index).unwrap()).collect()
}

fn usage(store: &dyn Store, account: Option<AccountId>) -> (u32, u64) {
    let FileUsage { files, bytes } = store.file_usage(&title(), account).unwrap();
    (files, bytes)
}

/// Bytes that repeat at no chunk's length.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

fn names(files: &[FileRecord]) -> Vec<String> {
    files.iter().map(|file| file.name.to_string()).collect()
}

#[test]
fn a_created_file_is_zeros_and_found_by_number_and_by_name_in_any_case() {
    on_both(|store| {
        let owner = account(store, "Jak").id;
        let file = create(store, "Folder/Replay", Some(owner), 70_000);
        assert_eq!((file.id.0, file.size, file.created, file.content), (1, 70_000, 100, None));
        assert_eq!(store.file(&title(), file.id).unwrap(), Some(file.clone()));
        assert_eq!(store.file_by_name(&title(), b"fOLDER/rEPLAY").unwrap(), Some(file.clone()));
        assert_eq!(store.file_by_name(&title(), &[b'x'; 4000]).unwrap(), None);
        assert_eq!(store.file(&TitleId::new("socom").unwrap(), file.id).unwrap(), None);
        assert_eq!(content(store, &file), vec![0; 70_000]);
        assert_eq!((usage(store, Some(owner)), usage(store, None)), ((1, 70_000), (1, 70_000)));
    });
}

#[test]
fn a_name_that_is_taken_or_not_legal_is_refused_and_costs_no_number() {
    on_both(|store| {
        create(store, "a", None, 0);
        let again = store.create_file(&title(), &new("A", None, 0), &SPACE).unwrap_err();
        assert!(matches!(&again, StoreError::AlreadyExists { key, .. } if key == "A"), "{again}");
        let path = store.create_file(&title(), &new("../a", None, 0), &SPACE).unwrap_err();
        assert!(matches!(path, StoreError::Invalid { field: "file name", .. }), "{path}");
        assert_eq!(create(store, "b", None, 0).id.0, 2);
    });
}

#[test]
fn an_upload_is_seen_when_it_is_whole_and_not_before() {
    on_both(|store| {
        let owner = account(store, "Jak").id;
        let by = FileUser::Account(owner);
        let file = create(store, "a", Some(owner), 5);
        let bytes = pattern(CHUNK * 2 + 7);
        let upload = begin(store, by, &file, bytes.len());
        store.upload_chunk(&title(), upload, 0, &bytes[..CHUNK]).unwrap();
        let early = store.finish_upload(&title(), upload, 200).unwrap_err();
        assert!(matches!(early, StoreError::NotFound { what: "content of a file", .. }), "{early}");
        assert_eq!(store.file(&title(), file.id).unwrap(), Some(file.clone()));
        store.upload_chunk(&title(), upload, 1, &bytes[CHUNK..2 * CHUNK]).unwrap();
        store.upload_chunk(&title(), upload, 2, &bytes[2 * CHUNK..]).unwrap();
        assert_eq!(content(store, &file), [0; 5]);
        let whole = store.finish_upload(&title(), upload, 200).unwrap().wait().unwrap();
        assert_eq!((whole.size as usize, whole.changed, whole.changed_by), (bytes.len(), 200, Some(owner)));
        // `python3 -c "import hashlib; print(hashlib.md5(bytes(i % 251 for i in range(65543))).hexdigest())"`
        assert_eq!(hex(&whole.checksum), "64afcf0f198d89a1f079cb57f937c84f");
        assert_eq!(content(store, &whole), bytes);
        assert_eq!((usage(store, Some(owner)), usage(store, None)), ((1, 65_543), (1, 65_543)));
        assert!(matches!(
            store.finish_upload(&title(), upload, 201),
            Err(StoreError::NotFound { what: "upload", .. })
        ));
    });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_upload_that_is_given_up_leaves_the_old_content_and_gives_its_space_back() {
    on_both(|store| {
        let by = FileUser::Host;
        let file = create(store, "a", None, 0);
        let file = upload(store, by, &file, b"old");
        let half = begin(store, by, &file, CHUNK + 1);
        store.upload_chunk(&title(), half, 0, &pattern(CHUNK)).unwrap();
        assert_eq!(usage(store, None), (1, 3 + CHUNK as u64 + 1));
        store.abort_upload(&title(), half).unwrap().wait().unwrap();
        store.abort_upload(&title(), half).unwrap().wait().unwrap();
        assert_eq!(usage(store, None), (1, 3));
        let now = store.file(&title(), file.id).unwrap().unwrap();
        assert_eq!((content(store, &now), now.changed), (b"old".to_vec(), 200));
        assert!(store.upload_chunk(&title(), half, 1, b"x").is_err());
    });
}

#[test]
fn a_chunk_of_another_length_or_place_than_the_file_has_is_refused() {
    on_both(|store| {
        let file = create(store, "a", None, 0);
        let upload = begin(store, FileUser::Host, &file, CHUNK + 1);
        for (index, length) in [(0, CHUNK - 1), (0, CHUNK + 1), (1, 2), (1, 0), (2, 1), (u32::MAX, 1), (2, 0)]
        {
            let error = store.upload_chunk(&title(), upload, index, &vec![0; length]).unwrap_err();
            assert!(matches!(error, StoreError::Invalid { .. }), "{index} {length}: {error}");
        }
    });
}

#[test]
fn content_that_is_replaced_is_gone_for_who_still_reads_it() {
    on_both(|store| {
        let file = create(store, "a", None, 0);
        let first = upload(store, FileUser::Host, &file, &pattern(CHUNK + 1));
        let second = upload(store, FileUser::Host, &file, b"");
        assert_eq!((second.size, second.content, usage(store, None)), (0, None, (1, 0)));
        let error = store.file_chunk(&title(), &first, 1).unwrap_err();
        assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
        assert!(store.file_chunk(&title(), &second, 0).is_err());
    });
}

#[test]
fn what_does_not_fit_is_refused_and_what_replaces_itself_fits() {
    on_both(|store| {
        let owner = account(store, "Jak").id;
        let by = FileUser::Account(owner);
        let space = FileSpace {
            file_bytes: 100,
            account_files: 2,
            account_bytes: 150,
            title_files: 3,
            title_bytes: 200,
        };
        let create = |name: &str, owner, size| store.create_file(&title(), &new(name, owner, size), &space);
        let refused = |error: Option<StoreError>, of: &str| {
            let error = error.unwrap();
            assert!(
                matches!(error, StoreError::LimitReached { .. }) && error.to_string().contains(of),
                "{error}"
            );
        };
        refused(create("big", Some(owner), 101).err(), "a file of jak-x is full: 100");
        let file = create("a", Some(owner), 100).unwrap().wait().unwrap();
        refused(create("b", Some(owner), 51).err(), "the space for files of account 1 is full: 150");
        create("b", Some(owner), 50).unwrap().wait().unwrap();
        refused(create("c", Some(owner), 0).err(), "the list of files of account 1 is full: 2");
        refused(create("c", None, 51).err(), "the space for files of title jak-x is full: 200");
        create("c", None, 50).unwrap().wait().unwrap();
        refused(create("d", None, 0).err(), "the list of files of title jak-x is full: 3");
        let begin = |size| store.begin_upload(&title(), by, file.id, size, &space);
        refused(begin(101).err(), "a file of jak-x is full: 100");
        let upload = begin(100).unwrap().wait().unwrap();
        assert_eq!(usage(store, Some(owner)), (2, 250));
        store.upload_chunk(&title(), upload, 0, &[1; 100]).unwrap();
        store.finish_upload(&title(), upload, 1).unwrap().wait().unwrap();
        assert_eq!(usage(store, Some(owner)), (2, 150));
        store.delete_file(&title(), by, file.id).unwrap().wait().unwrap();
        assert_eq!((usage(store, Some(owner)), usage(store, None)), ((1, 50), (2, 100)));
    });
}

#[test]
fn a_file_is_changed_by_its_owner_and_by_whom_its_bits_let() {
    on_both(|store| {
        let [owner, member, stranger] = ["Owner", "Member", "Stranger"].map(|name| account(store, name).id);
        let clan = NewClan { name: Text::from("C"), leader: member, app_id: 0, created: 0 };
        let clan = store.create_clan(&title(), &clan).unwrap().wait().unwrap();
        let users = [
            FileUser::Account(owner),
            FileUser::Account(member),
            FileUser::Account(stranger),
            FileUser::Anonymous,
        ];
        // Bits of owner, group and everybody; who may read; who may write.
        let cases = [
            ((0, 0, 0), [true; 4], [true, false, false, false]),
            ((7, 0, 0), [true, false, false, false], [true, false, false, false]),
            ((0, 4, 0), [true, true, false, false], [true, false, false, false]),
            ((7, 6, 4), [true; 4], [true, true, false, false]),
            ((7, 7, 7), [true; 4], [true; 4]),
        ];
        for (index, ((of_owner, group, global), reads, writes)) in cases.into_iter().enumerate() {
            let mut new = new(&format!("file {index}"), Some(owner), 1);
            new.group = clan.id.0;
            new.permissions = FilePermissions { owner: of_owner, group, global };
            let file = store.create_file(&title(), &new, &SPACE).unwrap().wait().unwrap();
            for ((by, read), write) in users.into_iter().zip(reads).zip(writes) {
                assert_eq!(store.may_read_file(&title(), by, &file).unwrap(), read, "{index} {by:?}");
                match store.set_file_metadata(&title(), by, file.id, b"k", b"v", 1) {
                    Ok(done) => assert!(write && done.wait().is_ok(), "{index} {by:?}"),
                    Err(error) => assert!(
                        !write && matches!(error, StoreError::Forbidden { .. }),
                        "{index} {by:?} {error}"
                    ),
                }
            }
        }
        let file = store.file_by_name(&title(), b"file 0").unwrap().unwrap();
        let by = FileUser::Account(stranger);
        assert!(matches!(store.delete_file(&title(), by, file.id), Err(StoreError::Forbidden { .. })));
        assert!(matches!(
            store.begin_upload(&title(), by, file.id, 1, &SPACE),
            Err(StoreError::Forbidden { .. })
        ));
    });
}

#[test]
fn files_are_listed_by_name_from_a_prefix_in_pages() {
    on_both(|store| {
        assert_eq!(store.files(&title(), b"", Page::default()).unwrap(), []);
        for name in ["b", "Folder/two", "a", "folder/One", "folders"] {
            create(store, name, None, 1);
        }
        let all = store.files(&title(), b"", Page::default()).unwrap();
        assert_eq!(names(&all), ["a", "b", "folder/One", "Folder/two", "folders"]);
        let first = store.files(&title(), b"FOLDER/", Page::first(1)).unwrap();
        let rest = store.files(&title(), b"FOLDER/", Page::after(first[0].name.clone(), 9)).unwrap();
        assert_eq!(
            (names(&first), names(&rest)),
            (vec!["folder/One".to_owned()], vec!["Folder/two".to_owned()])
        );
        assert_eq!(store.files(&title(), b"x", Page::default()).unwrap(), []);
    });
}

#[test]
fn metadata_is_set_replaced_removed_and_bounded() {
    on_both(|store| {
        let file = create(store, "a", None, 1);
        let set = |key: &[u8], value: &[u8]| {
            store
                .set_file_metadata(&title(), FileUser::Host, file.id, key, value, 300)
                .map(|done| done.wait().unwrap())
        };
        assert_eq!(set(b"map", b"Blackwater").unwrap().changed, 300);
        set(b"lap", b"1:02").unwrap();
        set(b"map", b"Marcadia").unwrap();
        let pair = |key: &str, value: &str| (Text::from(key), Text::from(value));
        let all = || store.all_file_metadata(&title(), file.id).unwrap();
        assert_eq!(all(), [pair("lap", "1:02"), pair("map", "Marcadia")]);
        set(b"lap", b"").unwrap();
        assert_eq!(
            (all(), store.file_metadata(&title(), file.id, b"lap").unwrap()),
            (vec![pair("map", "Marcadia")], None)
        );
        assert!(
            set(b"", b"x").is_err() && set(&[b'k'; 56], b"x").is_err() && set(b"k", &[b'v'; 256]).is_err()
        );
        for word in 1..limits::FILE_METADATA {
            set(format!("k{word}").as_bytes(), b"v").unwrap();
        }
        assert!(matches!(set(b"one more", b"v"), Err(StoreError::LimitReached { .. })));
        set(b"map", b"still room for what is there").unwrap();
        store.delete_file(&title(), FileUser::Host, file.id).unwrap().wait().unwrap();
        assert_eq!(all(), []);
        assert!(matches!(set(b"k", b"v"), Err(StoreError::NotFound { .. })));
    });
}

#[test]
fn downloads_are_counted() {
    on_both(|store| {
        let file = create(store, "a", None, 1);
        for _ in 0..3 {
            store.count_file_access(&title(), file.id).unwrap().wait().unwrap();
        }
        assert_eq!(store.file(&title(), file.id).unwrap().unwrap().accesses, 3);
    });
}

#[test]
fn a_deleted_account_takes_its_files_with_it_and_an_upload_to_one_comes_to_nothing() {
    on_both(|store| {
        let [owner, other] = ["Owner", "Other"].map(|name| account(store, name).id);
        let file = create(store, "a", Some(owner), 10);
        let kept = create(store, "b", Some(other), 20);
        let open = begin(store, FileUser::Account(owner), &file, 3);
        store.upload_chunk(&title(), open, 0, b"new").unwrap();
        store.delete_account(&title(), owner).unwrap().wait().unwrap();
        assert_eq!(names(&store.files(&title(), b"", Page::default()).unwrap()), ["b"]);
        assert!(matches!(
            store.finish_upload(&title(), open, 1),
            Err(StoreError::NotFound { what: "file", .. })
        ));
        store.abort_upload(&title(), open).unwrap().wait().unwrap();
        assert_eq!((usage(store, Some(owner)), usage(store, None)), ((0, 0), (1, 20)));
        assert_eq!(kept.owner, Some(other));
    });
}

#[test]
fn an_upload_that_a_crash_interrupted_is_swept_away_at_the_next_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let file = {
        let store = open(&path);
        let file = create(&store, "a", None, 0);
        let file = upload(&store, FileUser::Host, &file, b"old");
        let half = begin(&store, FileUser::Host, &file, 2 * CHUNK);
        store.upload_chunk(&title(), half, 0, &pattern(CHUNK)).unwrap();
        assert_eq!(usage(&store, None), (1, 3 + 2 * CHUNK as u64));
        store.flush().unwrap();
        file
    };
    let store = open(&path);
    assert_eq!(usage(&store, None), (1, 3));
    assert_eq!(content(&store, &store.file(&title(), file.id).unwrap().unwrap()), b"old");
}

#[test]
fn files_travel_by_export_and_import_and_unfinished_uploads_do_not() {
    on_both(|store| {
        let owner = account(store, "Jak").id;
        let file = create(store, "Folder/Replay", Some(owner), 3);
        let file = upload(store, FileUser::Account(owner), &file, &pattern(CHUNK + 9));
        create(store, "empty", None, 4);
        store
            .set_file_metadata(&title(), FileUser::Host, file.id, b"map", b"Marcadia", 300)
            .unwrap()
            .wait()
            .unwrap();
        let mut before = Vec::new();
        store.export(&mut before).unwrap();
        let open = begin(store, FileUser::Account(owner), &file, 5);
        store.upload_chunk(&title(), open, 0, b"12345").unwrap();
        let mut lines = Vec::new();
        store.export(&mut lines).unwrap();
        let of_files = |lines: &[u8]| {
            let lines = String::from_utf8(lines.to_vec()).unwrap();
            lines
                .lines()
                .filter(|line| line.contains("\"kind\":\"file"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!((of_files(&lines), of_files(&lines).len()), (of_files(&before), 5));

        let copy = Database::in_memory().unwrap();
        copy.import(&mut lines.as_slice(), ImportMode::Empty).unwrap();
        let copied = copy_of(&copy, &file);
        assert_eq!(content(&copy, &copied), pattern(CHUNK + 9));
        assert_eq!((usage(&copy, Some(owner)), usage(&copy, None)), ((1, 32_777), (2, 32_781)));
        assert_eq!(copy.file_metadata(&title(), file.id, b"map").unwrap(), Some(Text::from("Marcadia")));
        assert_eq!(create(&copy, "next", None, 0).id.0, 3);
        // Once more, over what is there: the same again.
        copy.import(&mut lines.as_slice(), ImportMode::Merge).unwrap();
        assert_eq!(content(&copy, &copy_of(&copy, &file)), pattern(CHUNK + 9));
        assert_eq!(usage(&copy, None), (3, 32_781));
    });
}

fn copy_of(store: &dyn Store, file: &FileRecord) -> FileRecord {
    store.file(&title(), file.id).unwrap().unwrap()
}

#[test]
fn an_import_of_a_chunk_without_its_file_or_of_another_length_names_the_line() {
    let store = Database::in_memory().unwrap();
    let file = create(&store, "a", None, 0);
    upload(&store, FileUser::Host, &file, b"abc");
    let mut lines = Vec::new();
    store.export(&mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    for (from, to, wanted) in [
        ("\"bytes\":\"616263\"", "\"bytes\":\"6162\"", "2 bytes at 0, where 3 belong"),
        ("\"content\":1,\"index\":0", "\"content\":9,\"index\":0", "no content of a file `9`"),
        ("\"name\":\"a\"", "\"name\":\"..\"", "file name must be"),
    ] {
        assert!(lines.contains(from), "{lines}");
        let broken = lines.replace(from, to);
        let copy = Database::in_memory().unwrap();
        let error = copy.import(&mut broken.as_bytes(), ImportMode::Empty).unwrap_err().to_string();
        assert!(error.starts_with("line ") && error.contains(wanted), "{error}");
    }
}
