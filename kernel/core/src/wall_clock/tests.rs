//! Tests of the wall clock's course.

use super::{Cause, Course};

const S: u64 = 1_000_000_000;

#[test]
fn a_clock_that_is_set_goes_on_from_there() {
    let mut course = Course::new(100 * S);
    assert_eq!(course.distance_at(5 * S), 100 * S);
    course.set(10 * S, 1000 * S);
    assert_eq!(course.distance_at(20 * S), 990 * S);
    assert_eq!(course.settled(20 * S), Some(990 * S));
    assert_eq!(course.monotonic_of(1005 * S, 10 * S), 15 * S);
}

#[test]
fn a_slew_changes_the_clock_bit_by_bit() {
    let mut course = Course::new(100 * S);
    course.slew(Cause::Once, 0, 1_000_000);
    assert_eq!(course.distance_at(S), 100 * S + 500_000);
    assert_eq!(course.left_ns(Cause::Once, S), 500_000);
    assert_eq!(course.settled(S), None);
    assert_eq!(course.distance_at(3 * S), 100 * S + 1_000_000);
    assert_eq!(course.settled(3 * S), Some(100 * S + 1_000_000));
    // Backwards, and from where the other one stands.
    course.slew(Cause::Loop, 3 * S, -2_000_000);
    assert_eq!(course.distance_at(5 * S), 100 * S);
    assert_eq!(course.left_ns(Cause::Loop, 5 * S), -1_000_000);
}

#[test]
fn a_new_slew_takes_the_place_of_the_old() {
    let mut course = Course::new(100 * S);
    course.slew(Cause::Once, 0, 1_000_000);
    course.slew(Cause::Once, S, 0);
    assert_eq!(course.settled(S), Some(100 * S + 500_000));
}

#[test]
fn a_rate_holds_for_good() {
    let mut course = Course::new(100 * S);
    course.set_rate(0, -100_000);
    assert_eq!(course.distance_at(10 * S), 100 * S - 1_000_000);
    assert_eq!(course.settled(10 * S), None);
    course.set_rate(10 * S, 0);
    assert_eq!(course.settled(20 * S), Some(100 * S - 1_000_000));
}

#[test]
fn a_time_is_never_waited_for_too_long() {
    let mut course = Course::new(100 * S);
    for total in [5_000_000, -5_000_000] {
        course.slew(Cause::Once, 0, total);
        let mut now = S;
        let wall = 160 * S;
        let mut looks = 0;
        while course.distance_at(now) + now < wall {
            let next = course.monotonic_of(wall, now).max(now + 1);
            assert!(course.distance_at(next - 1) + next - 1 <= wall);
            now = next;
            looks += 1;
        }
        assert!(looks < 10, "{looks}");
        course.set(0, 100 * S);
    }
}
