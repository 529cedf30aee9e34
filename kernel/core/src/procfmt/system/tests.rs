//! System-wide files as Linux writes them.

use super::{
    CpuInfo, CpuTimes, Mount, MountDetails, SystemStat, render_loadavg,
    render_uptime,
};
use crate::procfmt::load::LoadAverage;
use crate::procfmt::render_cpu_list;

fn text(render: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    render(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn mountinfo_names_parent_device_and_kind() {
    let mount = MountDetails {
        id: 22,
        parent: 1,
        device: [0, 21],
        target: b"/a b",
        options: b"rw,nosuid",
        kind: b"proc",
        source: b"none",
    };
    let line = "22 1 0:21 / /a\\040b rw,nosuid - proc none rw,nosuid\n";
    assert_eq!(text(|out| mount.render(out)), line);
}

#[test]
fn uptime_has_hundredths() {
    let line = text(|out| render_uptime(out, 3_095_619_999_999, 70_000_000));
    assert_eq!(line, "3095.61 0.07\n");
}

#[test]
fn the_load_rises_to_the_number_of_tasks_and_falls_to_nothing() {
    let mut load = LoadAverage::new();
    load.update(60_000_000_000, 2);
    let line = text(|out| render_loadavg(out, &load, 2, 126, 15932));
    assert_eq!(line, "1.27 0.37 0.13 2/126 15932\n");
    load.update(4_000_000_000_000, 2);
    assert_eq!(load.values()[0], 2 << 11);
    assert_eq!(load.for_sysinfo()[0], 2 << 16);
    load.update(u64::MAX, 0);
    let line = text(|out| render_loadavg(out, &load, 0, 1, 1));
    assert_eq!(line, "0.00 0.00 0.00 0/1 1\n");
}

#[test]
fn the_load_does_not_depend_on_how_often_one_looks() {
    let (mut seldom, mut often) = (LoadAverage::new(), LoadAverage::new());
    for second in 0..300 {
        often.update(second * 1_000_000_000, 3);
    }
    seldom.update(299_000_000_000, 3);
    assert_eq!(often.values(), seldom.values());
}

#[test]
fn stat_sums_the_cpus() {
    let times = CpuTimes {
        user: 10_000_000,
        nice: 20_000_000,
        system: 30_000_000,
        idle: 40_000_000,
        irq: 59_999_999,
    };
    let stat = SystemStat {
        cpus: &[(0, times), (3, times)],
        interrupts: 1,
        switches: 2,
        boot_time: 3,
        forks: 4,
        running: 5,
        blocked: 6,
    };
    let expected = "cpu  2 4 6 8 0 11 0 0 0 0\n\
        cpu0 1 2 3 4 0 5 0 0 0 0\ncpu3 1 2 3 4 0 5 0 0 0 0\n\
        intr 1\nctxt 2\nbtime 3\nprocesses 4\n\
        procs_running 5\nprocs_blocked 6\n";
    assert_eq!(text(|out| stat.render(out)), expected);
}

#[test]
fn cpuinfo_takes_the_identification_register_apart() {
    let cpu = CpuInfo {
        number: 1,
        counter_hz: 62_500_000,
        features: "fp asimd",
        midr: 0x410f_d083,
    };
    let expected = "processor\t: 1\nBogoMIPS\t: 125.00\n\
        Features\t: fp asimd\nCPU implementer\t: 0x41\n\
        CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\n\
        CPU revision\t: 3\n\n";
    assert_eq!(text(|out| cpu.render(out)), expected);
}

#[test]
fn mounts_can_be_split_at_blanks() {
    let mount = Mount {
        source: b"none",
        target: b"/a b\t\\",
        kind: b"cgroup",
        options: b"rw,freezer",
    };
    let expected = "none /a\\040b\\011\\134 cgroup rw,freezer 0 0\n";
    assert_eq!(text(|out| mount.render(out)), expected);
}

#[test]
fn cpu_lists_are_ranges() {
    let list = |mask| text(|out| render_cpu_list(out, mask));
    assert_eq!(list(0), "");
    assert_eq!(list(0b1), "0");
    assert_eq!(list(0b1111), "0-3");
    assert_eq!(list(0b1101_0110), "1-2,4,6-7");
    assert_eq!(list(u64::MAX), "0-63");
    assert_eq!(list(1 << 63), "63");
}
