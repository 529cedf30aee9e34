//! The promises about paths.

use kernel_abi::Errno;

use super::{Component, Last, Path, mount_options};
use crate::test_random::Random;

fn steps(path: &str) -> Vec<String> {
    let path = Path::new(path.as_bytes()).unwrap();
    let text = |component: Result<Component, Errno>| match component {
        Ok(Component::Parent) => "<up>".into(),
        Ok(Component::Name(name)) => String::from_utf8_lossy(name).into_owned(),
        Err(errno) => format!("{errno}"),
    };
    path.components().map(text).collect()
}

#[test]
fn slashes_and_dots_are_dropped_and_parents_kept() {
    assert_eq!(steps("/"), [""; 0]);
    assert_eq!(steps("./."), [""; 0]);
    assert_eq!(steps("a/b"), ["a", "b"]);
    assert_eq!(steps("//a/./b///"), ["a", "b"]);
    assert_eq!(steps("../a/../.."), ["<up>", "a", "<up>", "<up>"]);
    assert_eq!(steps("...a/.b"), ["...a", ".b"]);
}

#[test]
fn absolute_and_directory_paths_are_recognised() {
    let path = |text: &'static str| Path::new(text.as_bytes()).unwrap();
    assert!(path("/a").is_absolute() && !path("a/").is_absolute());
    for text in ["/", "a/", "a/.", "..", "."] {
        assert!(path(text).wants_directory(), "{text}");
    }
    assert!(!path("a/b").wants_directory());
}

#[test]
fn the_last_name_is_split_off() {
    let split = |text: &'static str| {
        let (steps, last) = Path::new(text.as_bytes()).unwrap().split_last();
        (steps.count(), last)
    };
    assert_eq!(split("a"), (0, Last::Name(b"a")));
    assert_eq!(split("/a"), (0, Last::Name(b"a")));
    assert_eq!(split("x/y/a//"), (2, Last::Name(b"a")));
    assert_eq!(split("x/."), (1, Last::Current));
    assert_eq!(split("x/.."), (1, Last::Parent));
    assert_eq!(split("///"), (0, Last::Root));
}

#[test]
fn lengths_are_limited() {
    assert_eq!(Path::new(b""), Err(Errno::ENOENT));
    let long = [b'a'; 4096];
    assert_eq!(Path::new(&long), Err(Errno::ENAMETOOLONG));
    assert!(Path::new(&long[..4095]).is_ok());
    let name = "x".repeat(256);
    assert_eq!(steps(&format!("/a/{name}")), ["a", "ENAMETOOLONG"]);
    assert_eq!(steps(&name[..255]), [&name[..255]]);
}

#[test]
fn what_is_left_of_a_walk_can_be_taken() {
    let path = Path::new(b"link/b/./").unwrap();
    let mut components = path.components();
    let _ = components.next();
    assert_eq!(components.rest(), b"/b/./");
    assert!(!components.is_finished());
    let _ = components.next();
    assert!(components.is_finished());
}

#[test]
fn splitting_never_loses_a_step() {
    let mut random = Random::new(5);
    for _ in 0..20_000 {
        let len = 1 + random.below(12);
        let bytes: Vec<u8> =
            (0..len).map(|_| b"/.ab"[random.below(4) as usize]).collect();
        let path = Path::new(&bytes).unwrap();
        let (steps, last) = path.split_last();
        let mut all: Vec<_> = steps.flatten().collect();
        match last {
            Last::Name(name) => all.push(Component::Name(name)),
            Last::Parent => all.push(Component::Parent),
            Last::Current | Last::Root => {}
        }
        let expected: Vec<_> = path.components().flatten().collect();
        assert_eq!(all, expected, "{bytes:?}");
    }
}

#[test]
fn mount_options_are_split_at_commas() {
    let options: Vec<_> =
        mount_options(b"freezer,,mode=755,name=a=b,").collect();
    let expected: [(&[u8], Option<&[u8]>); 3] =
        [(b"freezer", None), (b"mode", Some(b"755")), (b"name", Some(b"a=b"))];
    assert_eq!(options, expected);
}
