//! CPUs are called what their makers call them.

use std::string::ToString;

use super::Model;

#[test]
fn a_model_has_name_and_revision() {
    for (register, text) in [
        (0x412f_d050, "Cortex-A55 r2p0"),
        (0x414f_d0b0, "Cortex-A76 r4p0"),
        (0x410f_d083, "Cortex-A72 r0p3"),
        (0x412f_dff1, "CPU 0x41/0xdff r2p1"),
        // Another maker's part of the same number.
        (0x510f_d050, "CPU 0x51/0xd05 r0p0"),
    ] {
        assert_eq!(Model(register).to_string(), text);
    }
}
