//! Lines of the guest become rows, and rows become tables.
use super::table::{Row, json, read, table, with_sums};
use super::{boot_row, memory_rows};

#[test]
fn rows_are_read_from_the_output() {
    let output = "# bench\nbench: getppid 0.150 us\n[ 1.0] hello\n\
                  bench: broken x us\nbench: freeze_sleep_10 9 us\n";
    let expected = [
        Row::new("getppid", 0.15, "us"),
        Row::new("freeze_sleep_10", 9.0, "us"),
    ];
    assert_eq!(read(output), expected);
}

#[test]
fn table_compares_with_linux() {
    let rows =
        [Row::new("getppid", 0.1575, "us"), Row::new("unknown", 1e4, "us")];
    let text = table(&rows);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].contains("0.158"), "{text}");
    assert!(lines[1].contains("0.315"), "{text}");
    assert!(lines[1].contains("0.50"), "{text}");
    assert!(lines[2].contains("10000"), "{text}");
    assert!(lines[2].contains(" - "), "{text}");
}

#[test]
fn limits_are_shown_and_kept() {
    let row = |name, value| Row::new(name, value, "us");
    let good = [row("getppid", 0.157), row("nanosleep_1ms", 1019.9)];
    assert!(good.iter().all(|row| !row.is_over_limit()));
    assert!(row("getppid", 0.158).is_over_limit(), "half of Linux's");
    assert!(row("freeze_pipe_5000", 30.1).is_over_limit());
    assert!(!row("freeze_spin_4", 89.0).is_over_limit());
    assert!(row("freeze_spin_4", 90.5).is_over_limit());
    assert!(!row("freeze_spin_100", 1e6).is_over_limit(), "no limit");
    assert!(!row("freeze_pipe_5000_user", 31.0).is_over_limit());
    let text = table(&[row("boot", 100_001.0)]);
    assert!(text.contains(" 100000 "), "{text}");
    assert!(text.contains("over the limit"), "{text}");
}

#[test]
fn phases_of_a_freeze_add_up() {
    let rows = vec![
        Row::new("freeze_sleep_1000_user", 10.5, "us"),
        Row::new("freeze_sleep_1000_kernel", 4.0, "us"),
        Row::new("freeze_sleep_1000_thaw", 5.0, "us"),
    ];
    let rows = with_sums(rows);
    assert_eq!(rows[2], Row::new("freeze_sleep_1000", 14.5, "us"));
    assert_eq!(rows.len(), 4);
    assert!(table(&rows).contains("(Linux 6.12)"));
}

#[test]
fn json_has_all_columns() {
    let value = json(&[Row::new("fork_exit_wait", 40.0, "us")]);
    let row = &value["rows"][0];
    assert_eq!(row["value"], 40.0);
    assert_eq!(row["linux"], 110.0);
    assert_eq!(row["linux_version"], "5.10");
    assert_eq!(row["limit"], 55.0);
}

#[test]
fn memory_in_use_is_what_is_not_available() {
    let text = "MemTotal:        1000000 kB\nMemFree: 5 kB\n\
                MemAvailable:     990000 kB\n";
    let rows = memory_rows(text).unwrap();
    assert_eq!(rows[0], Row::new("memory_used", 10_000.0, "KiB"));
    assert_eq!(rows[1], Row::new("memory_reserved", 48_576.0, "KiB"));
    assert!(memory_rows("MemTotal: 5 kB\n").is_err());
}

#[test]
fn boot_time_is_read_from_the_log() {
    let log = "[ 0.01] x\n[ 0.05] first user instruction after 51234 us\n";
    assert_eq!(boot_row(log).unwrap(), Row::new("boot", 51_234.0, "us"));
    assert!(boot_row("nothing").is_err());
}
