//! The promises about the initial stack.

use kernel_abi::Errno;

use super::{
    AT_EXECFN, AT_NULL, AT_PAGESZ, AT_PLATFORM, AT_RANDOM, StackImage,
    StackRequest,
};

const TOP: u64 = 0xffff_ffff_f000;

fn request<'a>(
    arguments: &'a [&'a str],
    environment: &'a [&'a str],
) -> StackRequest<'a, &'a str> {
    StackRequest {
        top: TOP,
        limit: 1 << 20,
        arguments,
        environment,
        path: b"/bin/sh",
        random: *b"0123456789abcdef",
        auxiliary: &[(AT_PAGESZ, 4096)],
        pause: || {},
    }
}

impl StackImage {
    fn word(&self, address: u64) -> u64 {
        let at = (address - self.sp) as usize;
        let bytes = self.bytes[at..at + 8].try_into().unwrap();
        u64::from_le_bytes(bytes)
    }

    fn string(&self, address: u64) -> &str {
        let bytes = &self.bytes[(address - self.sp) as usize..];
        let end = bytes.iter().position(|&byte| byte == 0).unwrap();
        std::str::from_utf8(&bytes[..end]).unwrap()
    }

    /// The strings of a pointer list and the address after its NULL.
    fn list(&self, mut address: u64) -> (Vec<&str>, u64) {
        let mut strings = Vec::new();
        while self.word(address) != 0 {
            strings.push(self.string(self.word(address)));
            address += 8;
        }
        (strings, address + 8)
    }

    fn value(&self, key: u64) -> u64 {
        let mut at = self.auxiliary.start;
        while self.word(at) != key {
            assert_ne!(self.word(at), AT_NULL);
            at += 16;
        }
        self.word(at + 8)
    }
}

#[test]
fn a_program_finds_what_it_was_given() {
    let environment = ["PATH=/bin", "EMPTY="];
    let image = request(&["sh", "-c", ""], &environment).build().unwrap();
    assert_eq!(image.sp % 16, 0);
    assert_eq!(image.sp + image.bytes.len() as u64, TOP);
    assert_eq!(image.word(image.sp), 3);
    let (arguments, next) = image.list(image.sp + 8);
    assert_eq!(arguments, ["sh", "-c", ""]);
    let (variables, next) = image.list(next);
    assert_eq!(variables, environment);
    assert_eq!(next, image.auxiliary.start);
    assert_eq!(image.word(image.auxiliary.end - 16), AT_NULL);
    assert_eq!(image.value(AT_PAGESZ), 4096);
    assert_eq!(image.string(image.value(AT_EXECFN)), "/bin/sh");
    assert_eq!(image.string(image.value(AT_PLATFORM)), "aarch64");
    let random = image.value(AT_RANDOM);
    assert_eq!(image.word(random), u64::from_le_bytes(*b"01234567"));
}

#[test]
fn string_areas_are_what_proc_shows() {
    let image = request(&["a", "bc"], &["X=1"]).build().unwrap();
    let area = |range: std::ops::Range<u64>| {
        let start = (range.start - image.sp) as usize;
        &image.bytes[start..start + (range.end - range.start) as usize]
    };
    assert_eq!(area(image.arguments.clone()), b"a\0bc\0");
    assert_eq!(area(image.environment.clone()), b"X=1\0");
}

#[test]
fn the_stack_pointer_is_aligned_for_any_number_of_strings() {
    let strings = ["abc"; 9];
    for count in 0..9 {
        for other in 0..9 {
            let request = request(&strings[..count], &strings[..other]);
            let image = request.build().unwrap();
            assert_eq!(image.sp % 16, 0);
            let (arguments, next) = image.list(image.sp + 8);
            assert_eq!(arguments.len(), count);
            assert_eq!(image.list(next).0.len(), other);
        }
    }
}

#[test]
fn too_much_is_refused() {
    let long = "x".repeat(131_072);
    let string = [long.as_str()];
    assert_eq!(request(&string, &[]).build(), Err(Errno::E2BIG));
    let string = [&long[1..]];
    assert!(request(&string, &[]).build().is_ok());
    let limited = StackRequest { limit: 131_072, ..request(&string, &[]) };
    assert_eq!(limited.build(), Err(Errno::E2BIG));
    for top in [0, 100, 131_100] {
        let low = StackRequest { top, ..request(&string, &[]) };
        assert_eq!(low.build(), Err(Errno::E2BIG));
    }
}
