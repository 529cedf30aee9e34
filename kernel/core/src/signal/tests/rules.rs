//! Default actions, restart table, wait status, rules between processes.

use kernel_abi::Errno;
use kernel_abi::signal::{
    SA_NOCLDSTOP, SA_NOCLDWAIT, SA_RESTART, SIG_IGN, SIGABRT, SIGCHLD, SIGKILL,
    SIGSEGV, SIGSTOP, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1, SigAction,
};

use super::process;
use crate::signal::action::ChildExitPolicy;
use crate::signal::job_control::{Access, Background, Parent, is_orphaned};
use crate::signal::restart::decide;
use crate::signal::{
    DefaultAction, Notice, Outcome, Restart, SignalSet, status,
};

#[test]
fn default_actions_are_those_of_the_manual() {
    let mut counts = [0; 5];
    for signal in 1..=64 {
        counts[DefaultAction::of(signal) as usize] += 1;
    }
    assert_eq!(counts, [3, 1, 4, 46, 10]);
    assert_eq!(DefaultAction::of(SIGSEGV), DefaultAction::Core);
    assert_eq!(DefaultAction::of(SIGTERM), DefaultAction::Terminate);
}

#[test]
fn kill_and_stop_have_no_handler() {
    let (mut state, _) = process(1);
    for signal in [SIGKILL, SIGSTOP, 0, 65] {
        let result = state.set_action(signal, SigAction::default());
        assert_eq!(result, Err(Errno::EINVAL));
    }
    let mask = SignalSet::ALL.0;
    let action = SigAction { mask, ..SigAction::default() };
    state.set_action(SIGUSR1, action).unwrap();
    let stored = SignalSet(state.actions().get(SIGUSR1).mask);
    assert_eq!(stored, !SignalSet::UNBLOCKABLE);
}

#[test]
fn calls_restart_by_the_table() {
    use Restart::{Again, Block, Interrupted, Keep};
    let rows = [
        (Errno::ERESTARTNOINTR, [Again, Again, Again]),
        (Errno::ERESTARTSYS, [Again, Again, Interrupted]),
        (Errno::ERESTARTNOHAND, [Again, Interrupted, Interrupted]),
        (Errno::ERESTART_RESTARTBLOCK, [Block, Interrupted, Interrupted]),
        (Errno::EINTR, [Keep, Keep, Keep]),
    ];
    for (errno, expected) in rows {
        let outcomes = [
            Outcome::NoHandler,
            Outcome::Handler(SA_RESTART),
            Outcome::Handler(0),
        ];
        let got = outcomes.map(|outcome| decide(errno.to_return(), outcome));
        assert_eq!(got, expected, "{errno:?}");
    }
    assert_eq!(decide(512, Outcome::NoHandler), Keep);
}

#[test]
fn a_wait_status_is_encoded_as_in_linux() {
    assert_eq!(status::exited(3), 0x0300);
    assert_eq!(status::exited(-1), 0xff00);
    assert_eq!(status::killed(SIGKILL, false), 9);
    assert_eq!(status::killed(SIGABRT, true), 0x86);
    assert_eq!(status::stopped(SIGSTOP), 0x137f);
    assert_eq!(status::CONTINUED, 0xffff);
    assert_eq!(status::child_code_and_status(0x0300), (1, 3));
    assert_eq!(status::child_code_and_status(9), (2, 9));
    assert_eq!(status::child_code_and_status(0x86), (3, 6));
    assert_eq!(Notice::Stopped(19).code_and_status(), (5, 19));
    assert_eq!(Notice::Continued.code_and_status(), (6, 18));
}

#[test]
fn a_parent_chooses_how_it_hears_of_children() {
    let (mut state, _) = process(1);
    let policy = |reap, signal| ChildExitPolicy { reap, signal };
    assert_eq!(state.actions().child_exit_policy(), policy(false, true));
    assert!(state.actions().wants_stop_notice());
    let flags = SA_NOCLDWAIT | SA_NOCLDSTOP;
    let action = SigAction { flags, ..SigAction::default() };
    state.set_action(SIGCHLD, action).unwrap();
    assert_eq!(state.actions().child_exit_policy(), policy(true, true));
    assert!(!state.actions().wants_stop_notice());
    let action = SigAction { handler: SIG_IGN, ..SigAction::default() };
    state.set_action(SIGCHLD, action).unwrap();
    assert_eq!(state.actions().child_exit_policy(), policy(true, false));
}

#[test]
fn a_group_without_a_parent_in_its_session_is_orphaned() {
    let parent = |group, session| Parent { group, session };
    let shell = [parent(10, 10)];
    assert!(!is_orphaned(20, 10, shell.into_iter()));
    let inside = [parent(20, 10), parent(5, 5)];
    assert!(is_orphaned(20, 10, inside.into_iter()));
    assert!(is_orphaned(20, 10, [].into_iter()));
}

#[test]
fn the_background_is_stopped_at_the_terminal() {
    let job = Background { is_deaf: false, is_orphaned: false };
    assert_eq!(job.read(), Access::Signal(SIGTTIN));
    assert_eq!(job.write(), Access::Signal(SIGTTOU));
    let deaf = Background { is_deaf: true, ..job };
    assert_eq!(deaf.read(), Access::Fails(Errno::EIO));
    assert_eq!(deaf.write(), Access::Allowed);
    let orphan = Background { is_orphaned: true, ..job };
    assert_eq!(orphan.read(), Access::Fails(Errno::EIO));
    assert_eq!(orphan.write(), Access::Fails(Errno::EIO));
}
