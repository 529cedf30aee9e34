//! Programs: execve and what the new program finds.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::auxvec::{
    AT_CLKTCK, AT_ENTRY, AT_PAGESZ, AT_PHDR, AT_PHENT, AT_PHNUM, AT_RANDOM,
    AT_SECURE, AT_UID,
};
use user_lib::linux::{
    O_CLOEXEC, O_CREAT, O_RDONLY, O_WRONLY, SIGSEGV, SIGUSR1, SIGUSR2,
};
use user_lib::signal::{self, Action};
use user_lib::{Errno, auxiliary, environment, file, memory, process};

use crate::tool::{
    Failure, Outcome, ensure, ensure_eq, fresh_path, in_child, output_of, tests,
};

tests! {
    a_program_gets_its_arguments
    a_program_gets_its_environment
    a_script_runs_by_its_interpreter
    a_missing_program_is_reported
    a_directory_is_no_program
    a_file_without_permission_is_no_program
    a_text_is_no_program
    a_broken_elf_is_refused
    too_many_arguments_are_refused
    many_arguments_arrive
    descriptors_close_on_exec
    handlers_end_and_ignoring_stays_over_exec
    the_auxiliary_vector_is_right
    a_program_without_arguments_has_an_empty_name
    a_program_that_asks_for_it_has_code_on_its_stack
}

fn echo(arguments: &[&str]) -> Result<String, Failure> {
    let mut all = Vec::from(["echo"]);
    all.extend_from_slice(arguments);
    let (text, status) = output_of("/bin/echo", &all)?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(text)
}

fn a_program_gets_its_arguments() -> Outcome {
    ensure_eq!(echo(&["a", "", "b c"])?, "a  b c\n");
    ensure_eq!(echo(&[])?, "\n");
    Ok(())
}

fn a_program_gets_its_environment() -> Outcome {
    let (text, _) = output_of("/bin/env", &["env", "-i"])?;
    ensure_eq!(text, "");
    let arguments = ["env", "-i", "A=1", "B=x y", "/bin/env"];
    let (text, _) = output_of("/bin/env", &arguments)?;
    ensure_eq!(text, "A=1\nB=x y\n");
    Ok(())
}

/// Makes a file that may be run.
fn program(name: &str, content: &[u8]) -> Result<String, Failure> {
    let path = fresh_path(name);
    let descriptor = file::open(&path, O_WRONLY | O_CREAT, 0o755)?;
    file::write_all(descriptor, content)?;
    file::close(descriptor)?;
    Ok(path)
}

fn a_script_runs_by_its_interpreter() -> Outcome {
    let path = program("script", b"#!/bin/echo with argument\nignored\n")?;
    let (text, status) = output_of(&path, &["script", "x", "y"])?;
    file::remove(&path)?;
    ensure_eq!(status.exit_code(), Some(0));
    // All after the interpreter is one argument; then path, then the rest.
    ensure_eq!(text, alloc::format!("with argument {path} x y\n"));
    Ok(())
}

/// What `execve` of a path says.
fn error_of(path: &str) -> Result<Errno, Failure> {
    let status = in_child(|| {
        Ok(i32::from(process::execute(path, &["x"], &environment()).0))
    })?;
    Ok(Errno(status.exit_code().unwrap_or(0) as u16))
}

fn a_missing_program_is_reported() -> Outcome {
    ensure_eq!(error_of("/bin/nothing")?, Errno::ENOENT);
    ensure_eq!(error_of("")?, Errno::ENOENT);
    ensure_eq!(error_of("/bin/echo/x")?, Errno::ENOTDIR);
    let path = program("orphan", b"#!/bin/nothing\n")?;
    let error = error_of(&path)?;
    file::remove(&path)?;
    ensure_eq!(error, Errno::ENOENT);
    Ok(())
}

fn a_directory_is_no_program() -> Outcome {
    ensure_eq!(error_of("/bin")?, Errno::EACCES);
    Ok(())
}

fn a_file_without_permission_is_no_program() -> Outcome {
    let path = fresh_path("plain");
    file::close(file::open(&path, O_WRONLY | O_CREAT, 0o644)?)?;
    let error = error_of(&path)?;
    file::remove(&path)?;
    ensure_eq!(error, Errno::EACCES);
    Ok(())
}

fn a_text_is_no_program() -> Outcome {
    for content in [&b""[..], b"#", b"echo hello\n", b"#!\n", b"#!   \n"] {
        let path = program("text", content)?;
        let error = error_of(&path)?;
        file::remove(&path)?;
        ensure_eq!(error, Errno::ENOEXEC);
    }
    Ok(())
}

/// Damaged copies of a good program's headers.
fn a_broken_elf_is_refused() -> Outcome {
    let mut head = [0; 120];
    let good = file::open("/bin/true", O_RDONLY, 0)?;
    ensure_eq!(file::read(good, &mut head)?, head.len());
    file::close(good)?;
    // Offset, value: magic, class, type, machine, size and count of program
    // headers, and their place.
    let damages =
        [(1, b'X'), (4, 1), (16, 9), (18, 62), (54, 1), (56, 0), (39, 0x7f)];
    for (offset, value) in damages {
        let mut bad = head;
        bad[offset] = value;
        let path = program("elf", &bad)?;
        let error = error_of(&path)?;
        file::remove(&path)?;
        ensure!(matches!(error, Errno::ENOEXEC | Errno::EINVAL | Errno::EIO));
    }
    let path = program("short", &head[..20])?;
    let error = error_of(&path)?;
    file::remove(&path)?;
    ensure_eq!(error, Errno::ENOEXEC);
    Ok(())
}

fn too_many_arguments_are_refused() -> Outcome {
    let status = in_child(|| {
        let long = "x".repeat(200 * 1024);
        let error =
            process::execute("/bin/true", &["true", &long], &environment());
        ensure_eq!(error, Errno::E2BIG);
        let words = alloc::vec!["0123456789abcdef0123456789abcdef"; 80_000];
        let error = process::execute("/bin/true", &words, &environment());
        ensure_eq!(error, Errno::E2BIG);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn many_arguments_arrive() -> Outcome {
    let words: Vec<String> =
        (0..2000).map(|number| alloc::format!("{number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    ensure_eq!(echo(&words)?, words.join(" ") + "\n");
    Ok(())
}

fn descriptors_close_on_exec() -> Outcome {
    let [from, to] = file::pipe(O_CLOEXEC)?;
    file::duplicate(from, 8, 0)?;
    file::duplicate(to, 9, O_CLOEXEC)?;
    let script =
        "cat <&8 >/dev/null & (echo x >&9) 2>/dev/null; echo $?; kill $!";
    let (text, _) = output_of("/bin/sh", &["sh", "-c", script])?;
    ensure_eq!(text, "1\n");
    Ok(())
}

extern "C" fn nothing(_: i32) {}

fn handlers_end_and_ignoring_stays_over_exec() -> Outcome {
    signal::handle(SIGUSR1, nothing)?;
    signal::set_action(SIGUSR2, Action::Ignore, 0, 0)?;
    let run = |script| output_of("/bin/sh", &["sh", "-c", script]);
    let (text, _) = run("kill -USR2 $$; echo here")?;
    ensure_eq!(text, "here\n");
    let (_, status) = run("kill -USR1 $$; echo here")?;
    ensure_eq!(status.killed_by(), Some(SIGUSR1));
    Ok(())
}

fn the_auxiliary_vector_is_right() -> Outcome {
    ensure_eq!(auxiliary(AT_PAGESZ), Some(memory::PAGE_SIZE));
    ensure_eq!(auxiliary(AT_CLKTCK), Some(100));
    ensure_eq!(auxiliary(AT_UID), Some(0));
    ensure_eq!(auxiliary(AT_SECURE), Some(0));
    ensure_eq!(auxiliary(AT_PHENT), Some(56));
    ensure_eq!(auxiliary(AT_PHNUM), Some(4));
    ensure_eq!(auxiliary(AT_PHDR), Some(0x40_0040));
    let entry = auxiliary(AT_ENTRY).unwrap_or(0);
    ensure!((0x40_0000..0x50_0000).contains(&entry));
    let random = auxiliary(AT_RANDOM).unwrap_or(0);
    let bytes = (random..random + 16).map(memory::read_byte);
    ensure!(bytes.into_iter().any(|byte| byte != 0));
    Ok(())
}

/// Puts two instructions on the stack, calls them, and ends with what they
/// give: 7.
const STACK_CODE: [u32; 14] = [
    0x5800_0181, // ldr x1, the two instructions
    0xf81f_0fe1, // str x1, [sp, #-16]!
    0x9100_03e2, // mov x2, sp
    0xd50b_7b22, // dc cvau, x2
    0xd503_3b9f, // dsb ish
    0xd50b_7522, // ic ivau, x2
    0xd503_3b9f, // dsb ish
    0xd503_3fdf, // isb
    0xd63f_0040, // blr x2
    0xd280_0bc8, // mov x8, #94, exit_group
    0xd400_0001, // svc #0
    0xd503_201f, // nop
    0x5280_00e0, // mov w0, #7
    0xd65f_03c0, // ret
];

/// Ends with the number of its arguments and the first letter of its name.
const NAME_CODE: [u32; 6] = [
    0xf940_03e0, // ldr x0, [sp]
    0xf940_07e1, // ldr x1, [sp, #8]
    0x3940_0021, // ldrb w1, [x1]
    0x8b01_0000, // add x0, x0, x1
    0xd280_0bc8, // mov x8, #94, exit_group
    0xd400_0001, // svc #0
];

/// A program of one part, with these flags for its stack.
fn elf(code: &[u32], stack_flags: u32) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 2 * 56;
    let size = HEADERS + 4 * code.len() as u64;
    let mut bytes = Vec::from(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for half in [2_u16, 183, 1, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [BASE + HEADERS, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    for half in [0_u16, 0, 64, 56, 2, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    const LOAD: u32 = 1;
    const STACK: u32 = 0x6474_e551;
    for (kind, flags, address, size) in
        [(LOAD, 5, BASE, size), (STACK, stack_flags, 0, 0)]
    {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        for word in [0, address, address, size, size, 4096] {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes.extend(code.iter().flat_map(|it| it.to_le_bytes()));
    bytes
}

fn a_program_that_asks_for_it_has_code_on_its_stack() -> Outcome {
    let run = |flags| {
        let path = program("stack", &elf(&STACK_CODE, flags))?;
        let (_, status) = output_of(&path, &["stack"])?;
        file::remove(&path)?;
        Ok::<_, Failure>(status)
    };
    ensure_eq!(run(7)?.exit_code(), Some(7));
    ensure_eq!(run(6)?.killed_by(), Some(SIGSEGV));
    Ok(())
}

fn a_program_without_arguments_has_an_empty_name() -> Outcome {
    let path = program("nameless", &elf(&NAME_CODE, 6))?;
    let (_, status) = output_of(&path, &[])?;
    file::remove(&path)?;
    ensure_eq!(status.exit_code(), Some(1));
    Ok(())
}
