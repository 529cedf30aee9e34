//! Requests to kernel threads.

use kernel_abi::Errno;

use super::KthreadControl;

/// spec: K4
#[test]
fn parking_is_refused_twice_and_after_the_end() {
    let control = KthreadControl::new();
    assert_eq!(control.request_park(), Ok(()));
    assert_eq!(control.request_park(), Err(Errno::EBUSY));
    control.exited();
    assert_eq!(control.request_park(), Err(Errno::ENOSYS));
}

/// spec: K4
#[test]
fn a_thread_parks_until_the_request_is_gone() {
    let control = KthreadControl::new();
    assert!(!control.enter_park(), "nobody asked");
    control.request_park().unwrap();
    assert!(control.should_park() && !control.is_parked());
    assert!(control.enter_park() && control.is_parked());
    assert!(control.enter_park(), "a stray wake");
    assert!(control.unpark());
    assert!(!control.enter_park() && !control.is_parked());
    assert!(!control.unpark(), "nobody to wake");
    assert_eq!(control.request_park(), Ok(()));
}

/// spec: K3 K4
#[test]
fn stopping_a_parked_thread_unparks_it() {
    let control = KthreadControl::new();
    control.request_park().unwrap();
    assert!(control.enter_park());
    control.request_stop();
    assert!(control.should_stop() && !control.enter_park());
    assert!(!control.has_exited());
}
