use kernel_abi::Errno;

use super::Options;
use crate::memory::quota::{Quota, UNLIMITED};

const RAM: usize = 1000;

fn parse(text: &str) -> Result<Options, Errno> {
    Options::parse(text.as_bytes(), RAM)
}

#[test]
fn sizes_have_units_and_are_whole_pages() {
    let pages = |text| parse(text).unwrap().pages;
    assert_eq!(pages("size=1"), Some(1));
    assert_eq!(pages("size=8k"), Some(2));
    assert_eq!(pages("size=8193"), Some(3));
    assert_eq!(pages("size=2M,mode=755"), Some(512));
    assert_eq!(pages("size=25%"), Some(250));
    assert_eq!(pages("nr_blocks=2k"), Some(2048));
    assert_eq!(pages("size=0"), Some(UNLIMITED));
    assert_eq!(pages(""), None);
}

#[test]
fn the_top_directory_is_somebodys() {
    let options = parse("mode=1770,uid=5,gid=6,nr_inodes=10,inode64").unwrap();
    assert_eq!(options.mode, Some(0o1770));
    assert_eq!((options.uid, options.gid), (Some(5), Some(6)));
    assert_eq!(options.inodes, Some(10));
    assert_eq!(parse("nr_inodes=5,nr_inodes=7").unwrap().inodes, Some(7));
}

#[test]
fn what_is_none_is_refused() {
    let wrong = [
        "size",
        "size=",
        "size=x",
        "size=1z",
        "size=-1",
        "mode=9",
        "mode=",
        "uid=4294967295",
        "gid=x",
        "nr_inodes=%",
        "sise=1",
        "junk",
    ];
    for text in wrong {
        assert_eq!(parse(text), Err(Errno::EINVAL), "{text}");
    }
}

#[test]
fn a_quota_gives_no_more_than_there_is() {
    let quota = Quota::new(3);
    assert!(quota.take(2) && !quota.take(2) && quota.take(1));
    assert_eq!((quota.used(), quota.free()), (3, 0));
    quota.give(2);
    assert_eq!((quota.used(), quota.free()), (1, 2));
}

#[test]
fn a_limit_does_not_go_below_what_there_is() {
    let quota = Quota::new(3);
    assert!(quota.take(2));
    assert!(quota.allows(2) && !quota.allows(1) && quota.allows(UNLIMITED));
    quota.set_limit(UNLIMITED);
    assert!(!quota.allows(5), "what had no limit gets none");
    assert!(quota.allows(UNLIMITED));
}
