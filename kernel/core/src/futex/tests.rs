use kernel_abi::Errno;

use super::WakeOperation;

fn operation(change: u32, operand: u32, comparison: u32, compared: u32) -> u32 {
    change << 28 | comparison << 24 | (operand & 0xfff) << 12 | compared & 0xfff
}

fn decoded(change: u32, operand: u32) -> WakeOperation {
    WakeOperation::decode(operation(change, operand, 0, 0)).unwrap()
}

#[test]
fn each_change_is_carried_out() {
    assert_eq!(decoded(0, 5).apply(9), 5);
    assert_eq!(decoded(1, 5).apply(9), 14);
    assert_eq!(decoded(2, 6).apply(9), 15);
    assert_eq!(decoded(3, 1).apply(9), 8);
    assert_eq!(decoded(4, 3).apply(9), 10);
}

#[test]
fn operands_have_a_sign_or_name_a_bit() {
    assert_eq!(decoded(1, 0xfff).apply(9), 8);
    assert_eq!(decoded(1, 1).apply(u32::MAX), 0);
    assert_eq!(decoded(8 | 2, 31).apply(1), 0x8000_0001);
    assert_eq!(decoded(8, 35).apply(0), 8);
}

#[test]
fn each_comparison_looks_at_the_old_value() {
    let answers = |comparison, compared| {
        let word = operation(0, 0, comparison, compared);
        let operation = WakeOperation::decode(word).unwrap();
        [1, 2, 3].map(|old| operation.holds(old))
    };
    assert_eq!(answers(0, 2), [false, true, false]);
    assert_eq!(answers(1, 2), [true, false, true]);
    assert_eq!(answers(2, 2), [true, false, false]);
    assert_eq!(answers(3, 2), [true, true, false]);
    assert_eq!(answers(4, 2), [false, false, true]);
    assert_eq!(answers(5, 2), [false, true, true]);
    let word = operation(0, 0, 2, 0xfff);
    assert!(WakeOperation::decode(word).unwrap().holds(u32::MAX - 1));
}

#[test]
fn what_does_not_exist_is_refused() {
    for word in [operation(5, 0, 0, 0), operation(0, 0, 6, 0), u32::MAX] {
        assert_eq!(WakeOperation::decode(word), Err(Errno::ENOSYS));
    }
}
