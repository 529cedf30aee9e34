//! The protocols under loom: every order of steps, every stale read.
//!
//! Each model runs the freezer's own code on loom threads. Whoever runs as
//! user code, and whoever believes that all stand still, touches one cell
//! (`Machine::user_code`, `Machine::all_still`); loom fails the model if two
//! threads can touch it without an order between them, and if all threads can
//! wait for each other. So each model proves both that nobody runs while the
//! rest believes it frozen, and that no wake is lost.
//!
//! Then the same model runs with one step left out, and must fail.
//!
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p kernel-core --release
//! --target-dir target/loom freezer`. Read next: `model/machine.rs`.

mod machine;

use std::panic::catch_unwind;
use std::sync::Arc;

use loom::thread;

use super::host::{Host, Step};
use super::record::Phase;
use super::task::{Flags, Groups, Hierarchy};
use super::{PARENT_FREEZING, SELF_FREEZING};
use machine::{COMPLETE, Machine, OWN_ASK_FIRST, QUIET_ASK_FIRST, without};

/// How often loom may take the CPU from a thread that could go on, unless
/// `LOOM_MAX_PREEMPTIONS` says otherwise. Every mutant shows with three; most
/// models end in seconds without any bound.
const PREEMPTIONS: usize = 4;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(PREEMPTIONS);
    builder.check(model);
}

/// The model holds when complete, and fails with any of the steps left out.
macro_rules! model {
    ($(#[$meta:meta])* $name:ident: $body:ident fails without $($step:expr),+) => {
        $(#[$meta])*
        #[test]
        fn $name() {
            check($body::<COMPLETE>);
            $(
                let mutant = catch_unwind(|| check($body::<{ $step }>));
                assert!(mutant.is_err(), "not needed: {}", stringify!($step));
            )+
        }
    };
}

const RAISE: usize = without(Step::RaiseBarrier);
const WAKE: usize = without(Step::WakeBarrier);
const PARK: usize = without(Step::ParkBarrier);
const PARK_RELEASE: usize = without(Step::ParkRelease);
const LEAVE: usize = without(Step::LeaveCheck);
const SWITCH_IN: usize = without(Step::SwitchInCheck);
const COUNT_UP_FIRST: usize = without(Step::CountUpFirst);
const RECALC: usize = without(Step::RecalcBarrier);
const ATTACH: usize = without(Step::AttachBarrier);
const BIRTH: usize = without(Step::BirthBarrier);
const VICTIM: usize = without(Step::VictimBarrier);
const HELPER: usize = without(Step::HelperBarrier);

model! {
    /// spec: S1 S2 C5
    a_waking_sleeper_is_counted_or_freezes: waking_sleeper
    fails without RAISE, WAKE, OWN_ASK_FIRST
}

fn waking_sleeper<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    machine.freezer.freezer_do_not_count(&*machine, &machine.task);
    let freezer = machine.clone();
    let freezer = thread::spawn(move || freezer.freeze_and_thaw());
    machine.freezer.freezer_count(&*machine, &machine.task);
    machine.user_code();
    machine.freezer.dead(&*machine, &machine.task);
    freezer.join().unwrap();
}

model! {
    /// spec: S2 R4 N7
    the_last_to_park_wakes_the_freezer: parking_task
    fails without RAISE, PARK, PARK_RELEASE, QUIET_ASK_FIRST
}

fn parking_task<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let freezer = machine.clone();
    let freezer = thread::spawn(move || freezer.freeze_and_thaw());
    machine.user_code();
    machine.freezer.freezer_do_not_count(&*machine, &machine.task);
    freezer.join().unwrap();
}

model! {
    /// spec: R2 R3 O7
    a_leaver_sees_the_next_freeze: leaver
    fails without LEAVE, WAKE
}

fn leaver<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    machine.freezer.freezer_do_not_count(&*machine, &machine.task);
    let freezer = machine.clone();
    let freezer = thread::spawn(move || {
        freezer.freeze_and_thaw();
        freezer.freeze_and_thaw();
    });
    machine.freezer.freezer_count(&*machine, &machine.task);
    machine.user_code();
    machine.freezer.dead(&*machine, &machine.task);
    freezer.join().unwrap();
}

model! {
    /// spec: T6 L3 P1
    no_task_slips_past_a_sweep: switching_task
    fails without SWITCH_IN
}

fn switching_task<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let freezer = machine.clone();
    let freezer = thread::spawn(move || {
        freezer.freezer.raise();
        let _ = freezer.freezer.ask_all(&*freezer, Phase::User);
    });
    machine.switch_in();
    freezer.join().unwrap();
    assert!(machine.is_marked(), "runs unasked");
}

model! {
    /// spec: U5
    a_fake_signal_is_not_lost: recalculating_task
    fails without RECALC, RAISE
}

fn recalculating_task<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    machine.switch_in();
    let freezer = machine.clone();
    let freezer = thread::spawn(move || {
        freezer.freezer.raise();
        let _ = freezer.freezer.ask_all(&*freezer, Phase::User);
    });
    machine.recalc_sigpending();
    freezer.join().unwrap();
    assert!(machine.is_marked(), "the fake signal is lost");
}

model! {
    /// spec: V8 S2
    moving_a_parking_task_never_loses_a_count: moved_while_parking
    fails without COUNT_UP_FIRST
}

/// The neighbour in group 1 stays awake, so the group is never quiet;
/// `Machine::group_quiet` fails the model.
fn moved_while_parking<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let neighbour = &machine.neighbour;
    let group = Groups::ROOT.with(Hierarchy::V1, 1);
    machine.freezer.born_with(&*machine, neighbour, Flags::empty(), group);
    machine.freezer.freeze_group(&*machine, 1, SELF_FREEZING);
    let mover = machine.clone();
    let mover = thread::spawn(move || {
        let _ = mover.freezer.attach(&*mover, &mover.task, Hierarchy::V1, 1);
    });
    machine.freezer.freezer_do_not_count(&*machine, &machine.task);
    mover.join().unwrap();
    assert!(!machine.freezer.group_frozen(1));
}

model! {
    /// spec: V8 P1
    a_joiner_does_not_slip_past_its_groups_freeze: joining_task
    fails without ATTACH, RAISE
}

fn joining_task<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    machine.switch_in();
    let freezer = machine.clone();
    let freezer = thread::spawn(move || {
        freezer.freezer.freeze_group(&*freezer, 1, PARENT_FREEZING);
    });
    let request =
        machine.freezer.attach(&*machine, &machine.task, Hierarchy::V1, 1);
    machine.deliver(&machine.task, request);
    freezer.join().unwrap();
    assert!(machine.is_marked(), "runs unasked in a freezing group");
}

model! {
    /// spec: P1 V10
    no_child_is_born_into_a_removed_group: birth_in_a_removed_group
    fails without BIRTH
}

/// Another CPU takes the parent out of its group, and removes the group if
/// nobody is left in it.
fn birth_in_a_removed_group<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let _ = machine.freezer.attach(&*machine, &machine.task, Hierarchy::V1, 1);
    let remover = machine.clone();
    let remover = thread::spawn(move || {
        let (freezer, task) = (&remover.freezer, &remover.task);
        let _ = freezer.attach(&*remover, task, Hierarchy::V1, 0);
        freezer.group_members(1) == 0
    });
    let parent = machine.task.as_ref();
    machine.freezer.born(&*machine, &machine.neighbour, parent);
    let is_removed = remover.join().unwrap();
    let child = machine.neighbour.groups().of(Hierarchy::V1);
    assert!(!is_removed || child == 0, "a child in a removed group");
}

model! {
    /// spec: Y1 P1
    a_child_born_into_a_group_does_not_slip_past_its_freeze: birth_elsewhere
    fails without BIRTH, RAISE, SWITCH_IN
}

/// The parent, in no group, makes a child in group 1, where it is the only one
/// awake; a CPU picks the child while another freezes the group.
fn birth_elsewhere<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let (none, root) = (Flags::empty(), Groups::ROOT);
    machine.freezer.born_with(&*machine, &machine.neighbour, none, root);
    let freezer = machine.clone();
    let freezer = thread::spawn(move || {
        freezer.freezer.freeze_group(&*freezer, 1, SELF_FREEZING);
    });
    let (child, parent) = (machine.task.as_ref(), &machine.neighbour);
    let group = (Hierarchy::V2, 1);
    machine.freezer.born_into(&*machine, child, parent, group);
    machine.switch_in();
    freezer.join().unwrap();
    assert!(machine.is_marked(), "runs unasked in a freezing group");
}

model! {
    /// spec: F8 D3
    a_victim_gets_out_of_the_refrigerator: victim
    fails without VICTIM
}

fn victim<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    machine.freezer.raise();
    let killer = machine.clone();
    let killer = thread::spawn(move || {
        killer.freezer.mark_oom_victim(&*killer, &killer.task);
    });
    machine.freezer.try_to_freeze(&*machine, &machine.task);
    killer.join().unwrap();
}

model! {
    /// spec: B3
    a_task_that_has_trapped_is_asked_or_freezes: trapping_task
    fails without RAISE, WAKE
}

/// The task was asked to trap while its group was not freezing. It has now,
/// and goes on to a freeze point.
fn trapping_task<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let _ = machine.freezer.attach(&*machine, &machine.task, Hierarchy::V2, 1);
    machine.switch_in();
    machine.freezer.mark_trapping(&*machine, &machine.task);
    let freezer = machine.clone();
    let freezer = thread::spawn(move || {
        freezer.freezer.freeze_group(&*freezer, 1, SELF_FREEZING);
    });
    machine.freezer.end_trap(&*machine, &machine.task);
    let freezes = machine.freezer.freezing(machine.task.as_ref());
    freezer.join().unwrap();
    assert!(freezes || machine.is_marked(), "runs unasked in a freezing group");
}

model! {
    /// spec: B3
    a_task_that_is_to_trap_gets_out_of_the_refrigerator: called_out
    fails without VICTIM
}

fn called_out<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let (freezer, task) = (&machine.freezer, &machine.task);
    let _ = freezer.attach(&*machine, task, Hierarchy::V2, 1);
    // Another member keeps the group from being quiet.
    let group = Groups::ROOT.with(Hierarchy::V2, 1);
    let neighbour = &machine.neighbour;
    freezer.born_with(&*machine, neighbour, Flags::empty(), group);
    freezer.freeze_group(&*machine, 1, SELF_FREEZING);
    let tracer = machine.clone();
    let tracer = thread::spawn(move || {
        tracer.freezer.mark_trapping(&*tracer, &tracer.task);
    });
    machine.freezer.try_to_freeze(&*machine, &machine.task);
    tracer.join().unwrap();
}

model! {
    /// spec: H1
    a_helper_runs_before_a_freeze_or_not_at_all: helper
    fails without HELPER
}

fn helper<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::NOFREEZE));
    let freezer = machine.clone();
    let freezer = thread::spawn(move || freezer.freeze_and_thaw());
    if machine.helpers.begin(&*machine).is_ok() {
        machine.user_code();
        machine.helpers.end(&*machine);
    }
    freezer.join().unwrap();
}

model! {
    /// spec: F2 D8 K1 O3
    a_thread_that_becomes_freezable_is_counted_or_freezes: set_freezable
    fails without RAISE, WAKE
}

fn set_freezable<const WITHOUT: usize>() {
    let thread = Flags::KTHREAD | Flags::NOFREEZE;
    let machine = Arc::new(Machine::<WITHOUT>::new(thread));
    let freezer = machine.clone();
    let freezer = thread::spawn(move || freezer.freeze_all_and_thaw());
    machine.freezer.set_freezable(&*machine, &machine.task);
    machine.user_code();
    machine.freezer.freezer_do_not_count(&*machine, &machine.task);
    freezer.join().unwrap();
}

model! {
    /// spec: W2 L3
    the_last_work_wakes_the_freezer: last_work
    fails without PARK
}

fn last_work<const WITHOUT: usize>() {
    let thread = Flags::KTHREAD | Flags::NOFREEZE;
    let machine = Arc::new(Machine::<WITHOUT>::new(thread));
    machine.freezer.works_activated(1);
    let freezer = machine.clone();
    let freezer = thread::spawn(move || freezer.freeze_all_and_thaw());
    machine.user_code();
    machine.freezer.work_done(&*machine);
    freezer.join().unwrap();
}

model! {
    /// spec: P1 P5
    a_fork_is_frozen_with_both_tasks: forking_task
    fails without PARK_RELEASE
}

/// The parent makes a child and dies; the child, born awake, runs and dies.
fn forking_task<const WITHOUT: usize>() {
    let machine = Arc::new(Machine::<WITHOUT>::new(Flags::empty()));
    let freezer = machine.clone();
    let freezer = thread::spawn(move || freezer.freeze_and_thaw());
    let parent = machine.task.as_ref();
    machine.freezer.born(&*machine, &machine.neighbour, parent);
    let child = machine.clone();
    let child = thread::spawn(move || {
        child.user_code_of_neighbour();
        child.neighbour_dies();
    });
    machine.user_code();
    machine.freezer.dead(&*machine, &machine.task);
    child.join().unwrap();
    freezer.join().unwrap();
}
