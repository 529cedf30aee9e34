//! Which words of the command line are the kernel's.
//!
//! [`HONOURED`] are those that Firn acts on, with the values they can have;
//! the root README has them in a table. [`FOREIGN`] are those that Linux's
//! kernel takes for itself and that mean nothing here: a command line written
//! for Linux must not end in the first program's arguments. Any other word
//! with a dot is a module's parameter.

/// What a word's value can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// The word stands alone.
    None,
    /// Any text.
    Text,
    /// 0 or 1.
    Switch,
    /// A number from this one on.
    Number(u64),
    /// A number that may be negative.
    Signed,
}

impl Value {
    /// Whether the word can have this value.
    pub fn takes(self, value: Option<&str>) -> bool {
        match (self, value) {
            (Value::None, value) => value.is_none(),
            (_, None) => false,
            (Value::Text, Some(text)) => !text.is_empty(),
            (Value::Switch, Some(text)) => matches!(text, "0" | "1"),
            (Value::Number(least), Some(text)) => {
                text.parse().is_ok_and(|number: u64| number >= least)
            }
            (Value::Signed, Some(text)) => text.parse::<i64>().is_ok(),
        }
    }
}

/// Words that Firn knows the values of.
pub const HONOURED: [(&str, Value); 12] = [
    // Runs the tests that need the machine, and ends.
    ("firn.selftest", Value::Switch),
    // A kernel thread takes so many milliseconds to freeze.
    ("freezer.slow", Value::Number(0)),
    // A kernel thread refuses to freeze.
    ("freezer.stubborn", Value::Switch),
    // The first program, unless there is an `rdinit`.
    ("init", Value::Text),
    // Lines of a level below this are shown on the console.
    ("loglevel", Value::Number(0)),
    // CPUs that run from the start; others can be turned on later.
    ("maxcpus", Value::Number(0)),
    // One CPU runs from the start.
    ("nosmp", Value::None),
    // CPUs that there are at all.
    ("nr_cpus", Value::Number(1)),
    // Nothing changes: the machine is always powered off.
    ("panic", Value::Signed),
    // Only errors are shown on the console.
    ("quiet", Value::None),
    // The first program.
    ("rdinit", Value::Text),
    // Seconds that a test of suspend waits.
    ("suspend.pm_test_delay", Value::Number(0)),
];

/// Words of Linux's kernel without a meaning here, from *The kernel's
/// command-line parameters*; sorted, with `_` for `-`.
pub(super) const FOREIGN: &str = "\
    accept_memory acpi acpi_backlight acpi_enforce_resources acpi_osi \
    acpi_rsdp add_efi_memmap agp allow_mismatched_32bit_el0 apic apparmor \
    audit audit_backlog_limit bert_disable bgrt_disable blkdevparts \
    boot_delay bootconfig bootmem_debug cfi cgroup_debug cgroup_disable \
    cgroup_enable cgroup_favordynmods cgroup_no_v1 checkreqprot clearcpuid \
    clk_ignore_unused clocksource cma cma_pernuma coherent_pool console \
    console_msg_format consoleblank coredump_filter cpu0_hotplug \
    cpufreq_default_governor cpufreq_driver crash_kexec_post_notifiers \
    crashkernel csdlock_debug debug debug_boot_weak_hash \
    debug_guardpage_minorder debug_locks_verbose debug_objects \
    debug_pagealloc debugfs default_hugepagesz deferred_probe_timeout \
    delayacct dhash_entries disable_mtrr_cleanup dma_debug dma_debug_driver \
    dma_debug_entries driver_async_probe early_ioremap_debug early_page_ext \
    earlycon earlyprintk edd efi efi_fake_mem efi_no_storage_paranoia \
    elevator elfcorehdr elfcorehdr_size enable_mtrr_cleanup enforcing \
    erst_disable evm fail_make_request fail_page_alloc failslab fb fips \
    ftrace ftrace_boot_snapshot ftrace_dump_on_oops ftrace_filter \
    ftrace_graph_filter ftrace_notrace fw_devlink gbpages gpt \
    hardened_usercopy hardlockup_all_cpu_backtrace hash_pointers hashdist \
    hest_disable hibernate highres hlt hpet hugepages hugepagesz hugetlb_cma \
    hugetlb_free_vmemmap hung_task_panic idle ignore_loglevel \
    ignore_rlimit_data ihash_entries ima ima_appraise ima_hash ima_policy \
    ima_template init_mlocked init_on_alloc init_on_free initcall_blacklist \
    initcall_debug initramfs_async initrd initrdmem integrity_audit \
    intel_iommu intel_pstate intremap io_delay iommu ip ipcmni_extend \
    irqaffinity irqfixup irqpoll isolcpus ivrs_acpihid kasan \
    kasan_multi_shot keep_bootcon keepinitrd kernelcore kfence kgdbcon \
    kgdboc kgdbwait kmemleak kprobe_event kpti l1tf lapic load_ramdisk \
    lockdown log_buf_len logo lpj lsm lsm_debug max_addr max_loop mce md mds \
    mem mem_encrypt mem_sleep_default memhp_default_state memmap \
    memory_corruption_check memtest mitigations mminit_loglevel \
    mmio_stale_data module_blacklist movable_node movablecore msr mtdparts \
    mtrr_chunk_size netdev nfsaddrs nfsroot nfsrootdebug nmi_watchdog no387 \
    no5lvl no_console_suspend no_debug_objects no_file_caps no_hash_pointers \
    no_steal_acc no_timer_check noaliencache noapic noautogroup nocache \
    noclflush noefi noexec nofxsr nogbpages nohibernate nohlt nohugeiomap \
    nohugevmalloc nohz nohz_full noinitrd nointremap noirqdebug nokaslr \
    nokprobes nolapic nolapic_timer nomce nomodeset nomodule nomsi nopat \
    nopcid nopti nopv norandmaps noreplace_smp noresume nosgx nosmap nosme \
    nosmep nosmt nosoftlockup nospec_store_bypass_disable nospectre_bhb \
    nospectre_v1 nospectre_v2 nosve noswapaccount notsc nousb nowatchdog \
    noxsave noxsaveopt numa numa_balancing numa_zonelist_order oops \
    page_owner page_poison panic_on_oops panic_on_taint \
    panic_on_unrecovered_nmi panic_on_warn panic_print pause_on_oops pci \
    pcie_aspm pcie_pme pcie_port_pm pcie_ports pd_ignore_unused percpu_alloc \
    possible_cpus print_fatal_signals profile prompt_ramdisk psi pti raid \
    ramdisk_blocksize ramdisk_size ramdisk_start randomize_kstack_offset \
    rcu_nocb_poll rcu_nocbs reboot regulator_ignore_unused \
    relative_sleep_states relax_domain_level reserve reserve_mem reservetop \
    reset_devices resume resume_offset resumedelay resumewait retain_initrd \
    retbleed ro rodata root rootdelay rootflags rootfstype rootwait \
    rseq_debug rw sched_debug sched_thermal_decay_shift sched_verbose \
    schedstats scsi_logging_level security selinux skew_tick slab_max_order \
    slab_merge slab_nomerge slub_debug slub_max_order slub_merge \
    slub_min_objects slub_min_order slub_nomerge smt \
    softlockup_all_cpu_backtrace softlockup_panic spec_store_bypass_disable \
    spectre_bhi spectre_v2 spectre_v2_user split_lock_detect srbds ssbd \
    stack_depot_disable stack_guard_gap stacktrace stacktrace_filter \
    swapaccount swiotlb sysrq_always_enabled test_suspend thash_entries \
    threadirqs tp_printk tp_printk_stop_on_boot trace_buf_size trace_clock \
    trace_event trace_instance trace_options traceoff_on_warning \
    transparent_hugepage tsc tsc_early_khz tsx tsx_async_abort uhash_entries \
    unknown_nmi_panic unwind_debug user_debug vdso vga video \
    video_adapter_force_use vmalloc vsyscall watchdog watchdog_thresh \
    x2apic_phys xen_512gb_limit xen_emul_unplug xen_nopv";

/// What the value of this word can be, if Firn knows the word.
pub fn value_of(key: &str) -> Option<Value> {
    let honoured = HONOURED.iter().find(|(name, _)| same_key(name, key));
    honoured.map(|(_, value)| *value)
}

/// Whether a word is the kernel's, and none of the first program's.
pub fn is_kernels(key: &str) -> bool {
    key.contains('.')
        || value_of(key).is_some()
        || FOREIGN.split(' ').any(|name| same_key(name, key))
}

/// Whether two keys are one: `-` and `_` are the same in them.
pub fn same_key(a: &str, b: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    a.bytes().map(plain).eq(b.bytes().map(plain))
}
