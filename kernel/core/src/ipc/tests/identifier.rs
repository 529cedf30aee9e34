use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_CREAT, IPC_EXCL, IPC_PRIVATE};

use crate::ipc::identifier::{Found, PLACES, Table, place_of};

#[test]
fn keys_are_found_or_made_as_asked() {
    let mut table = Table::new();
    assert_eq!(table.find(5, 0), Err(Errno::ENOENT));
    assert_eq!(table.find(5, IPC_CREAT), Ok(Found::None));
    let id = table.insert(5, 10, None, 'a').unwrap();
    assert_eq!(table.find(5, IPC_CREAT), Ok(Found::Object(id)));
    let exclusive = IPC_CREAT | IPC_EXCL;
    assert_eq!(table.find(5, exclusive), Err(Errno::EEXIST));
    assert_eq!(table.find(5, IPC_EXCL), Ok(Found::Object(id)));
    assert_eq!(table.find(IPC_PRIVATE, 0), Ok(Found::None));
    table.hide(id);
    assert_eq!(table.find(5, 0), Err(Errno::ENOENT));
    assert_eq!(table.get(id as i32), Ok(&'a'));
}

#[test]
fn an_identifier_that_is_gone_names_nothing_else() {
    let mut table = Table::new();
    let first = table.insert(1, 10, None, 'a').unwrap();
    assert_eq!(first, 0);
    assert_eq!(table.remove(first), Some('a'));
    assert_eq!(table.remove(first), None);
    assert_eq!(table.get(first as i32), Err(Errno::EINVAL));
    assert_eq!(table.get(-1), Err(Errno::EINVAL));
    let next = table.insert(1, 10, None, 'b').unwrap();
    assert_eq!(next, 1, "places are used in turn");
    // Around the end, places are used anew.
    for _ in 2..PLACES {
        let id = table.insert(IPC_PRIVATE, 10, None, 'c').unwrap();
        table.remove(id);
    }
    let again = table.insert(IPC_PRIVATE, 10, None, 'd').unwrap();
    assert_eq!(again, PLACES, "place 0, used for the second time");
    assert_eq!(table.get(first as i32), Err(Errno::EIDRM));
    assert_eq!(table.get(again as i32), Ok(&'d'));
    assert_eq!(table.at(0), Ok((again, &'d')));
}

#[test]
fn there_are_no_more_than_allowed() {
    let mut table = Table::new();
    for _ in 0..3 {
        table.insert(IPC_PRIVATE, 3, None, ()).unwrap();
    }
    let more = table.insert(IPC_PRIVATE, 3, None, ());
    assert_eq!(more, Err(Errno::ENOSPC));
    assert_eq!((table.len(), table.highest()), (3, 2));
}

#[test]
fn objects_are_found_one_after_the_other() {
    let mut table = Table::new();
    let ids = [4, 1 << 15 | 9, 11];
    for id in ids {
        table.insert(IPC_PRIVATE, 10, Some(id), id).unwrap();
    }
    let mut place = 0;
    for id in ids {
        assert_eq!(table.next_from(place), Some((id, &id)));
        assert_eq!(table.next_from(place_of(id)), Some((id, &id)));
        place = place_of(id) + 1;
    }
    assert_eq!(table.next_from(place), None);
    // Others come and go meanwhile.
    table.remove(ids[1]);
    assert_eq!(table.next_from(5), Some((11, &11)));
}

#[test]
fn the_next_identifier_can_be_chosen() {
    let mut table = Table::new();
    let wanted = 4 << 15 | 9;
    assert_eq!(table.insert(1, 10, Some(wanted), ()), Ok(wanted));
    // Its place is taken: the next one.
    assert_eq!(table.insert(2, 10, Some(wanted), ()), Ok(wanted + 1));
    assert_eq!(table.insert(3, 10, None, ()), Ok(0));
}
